"""API keys: what they look like, and how one is recognised."""

from ingest.core.keys import KeyKind, digest, generate


def test_a_key_says_what_it_may_do() -> None:
    assert generate(KeyKind.WRITE).token.startswith("pk_")
    assert generate(KeyKind.SECRET).token.startswith("sk_")


def test_no_two_keys_are_the_same() -> None:
    assert len({generate(KeyKind.SECRET).token for _ in range(100)}) == 100


def test_the_hint_is_too_short_to_use() -> None:
    key = generate(KeyKind.SECRET)

    assert key.token.startswith(key.hint)
    assert len(key.token) - len(key.hint) >= 40


def test_the_digest_is_not_the_token_and_any_text_has_one() -> None:
    key = generate(KeyKind.SECRET)

    assert key.token not in key.digest
    assert len(digest("\ud800 🙂 \x00")) == 64
