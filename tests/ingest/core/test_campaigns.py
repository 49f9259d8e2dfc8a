"""Campaigns out of addresses."""

from hypothesis import given
from hypothesis import strategies as st

from ingest.core.campaigns import campaign_of, with_campaign

URL = "https://acme.example/pricing?utm_source=news&utm_medium=email&utm_campaign=spring&x=1#top"
FOUND = {"source": "news", "medium": "email", "name": "spring"}


def test_the_address_of_the_page_names_the_campaign() -> None:
    assert with_campaign({"page": {"url": URL}}, {}) == {"page": {"url": URL}, "campaign": FOUND}
    assert with_campaign({"page": {"search": "?utm_source=news"}}, {})["campaign"] == {"source": "news"}
    assert with_campaign({}, {"url": URL}) == {"campaign": FOUND}


def test_a_campaign_that_a_client_names_itself_stays() -> None:
    context = {"campaign": {"name": "autumn"}, "page": {"url": URL}}

    assert with_campaign(context, {}) is context


def test_an_address_without_a_campaign_adds_nothing() -> None:
    context = {"page": {"url": "https://acme.example/?q=utm_source"}}

    assert with_campaign(context, {"url": 7, "search": None}) is context
    assert with_campaign({"page": "text"}, {"url": "http://["}) == {"page": "text"}


def test_long_doubled_and_too_many_parameters_cost_nothing_else() -> None:
    assert campaign_of("utm_source=a&utm_source=b&UTM_TERM=c") == {"source": "a", "term": "c"}
    assert campaign_of("utm_source=" + "x" * 999) == {"source": "x" * 200}
    assert campaign_of("utm_source=a&" * 200) == {}


@given(st.text(), st.text())
def test_any_text_is_taken(url: str, search: str) -> None:
    context = with_campaign({"page": {"url": url, "search": search}}, {"url": search})

    assert all(isinstance(value, str) and value for value in context.get("campaign", {}).values())
