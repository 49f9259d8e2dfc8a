"""Which user agents are bots, in a table of what is about today."""

import pytest

from ingest.core.bots import MAX_USER_AGENT, bot_name, bot_of, is_local, seen_through
from ingest.core.events import IncomingEvent

BOTS = [
    ("Googlebot", "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"),
    (
        "bingbot",
        (
            "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; bingbot/2.0; "
            "+http://www.bing.com/bingbot.htm) Chrome/116.0.1938.76 Safari/537.36"
        ),
    ),
    (
        "HeadlessChrome",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/130.0.0.0 Safari/537.36",
    ),
    (
        "PhantomJS",
        "Mozilla/5.0 (Unknown; Linux x86_64) AppleWebKit/538.1 (KHTML, like Gecko) PhantomJS/2.1.1 Safari/538.1",
    ),
    (
        "GPTBot",
        "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)",
    ),
    (
        "ClaudeBot",
        "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; ClaudeBot/1.0; +claudebot@anthropic.com)",
    ),
    (
        "PerplexityBot",
        (
            "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; PerplexityBot/1.0; "
            "+https://perplexity.ai/perplexitybot)"
        ),
    ),
    (
        "ChatGPT-User",
        "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko); compatible; ChatGPT-User/1.0; +https://openai.com/bot",
    ),
    ("facebookexternalhit", "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)"),
    ("Slackbot", "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)"),
    ("Twitterbot", "Twitterbot/1.0"),
    ("LinkedInBot", "LinkedInBot/1.0 (compatible; Mozilla/5.0; Apache-HttpClient +http://www.linkedin.com)"),
    ("WhatsApp", "WhatsApp/2.23.20.0"),
    ("TelegramBot", "TelegramBot (like TwitterBot)"),
    ("Discordbot", "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)"),
    (
        "SkypeUriPreview",
        "Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5 skype-url-preview@microsoft.com",
    ),
    ("UptimeRobot", "Mozilla/5.0 (compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)"),
    ("Pingdom", "Pingdom.com_bot_version_1.4_(http://www.pingdom.com/)"),
    ("StatusCake", "Mozilla/5.0 (compatible; StatusCake)"),
    (
        "DatadogSynthetics",
        (
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 "
            "Safari/537.36 DatadogSynthetics"
        ),
    ),
    (
        "Chrome-Lighthouse",
        (
            "Mozilla/5.0 (Linux; Android 11; moto g power (2022)) AppleWebKit/537.36 (KHTML, like Gecko) "
            "Chrome/128.0.0.0 Mobile Safari/537.36 Chrome-Lighthouse"
        ),
    ),
    ("AhrefsBot", "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)"),
    ("SemrushBot", "Mozilla/5.0 (compatible; SemrushBot/7~bl; +http://www.semrush.com/bot.html)"),
    ("yandex.com/bots", "Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)"),
    ("Baiduspider", "Mozilla/5.0 (compatible; Baiduspider/2.0; +http://www.baidu.com/search/spider.html)"),
    (
        "Applebot",
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_5) AppleWebKit/605.1.15 (KHTML, like Gecko) "
            "Version/13.1.1 Safari/605.1.15 (Applebot/0.1; +http://www.apple.com/go/applebot)"
        ),
    ),
    ("Barracuda", "BarracudaCentral/2.0"),
    ("Barracuda", "Barracuda Sentinel (EE)"),
    ("Proofpoint", "Mozilla/5.0 (compatible; Proofpoint URL Defense)"),
    ("Mimecast", "Mimecast-URL-Protect/1.0"),
    ("Cisco Secure Email", "Cisco Secure Email"),
    ("Microsoft Office Existence Discovery", "Mozilla/5.0 (compatible; Microsoft Office Existence Discovery)"),
    ("Microsoft Office Protocol Discovery", "Microsoft Office Protocol Discovery"),
    ("Bytespider", "Mozilla/5.0 (compatible; Bytespider; spider-feedback@bytedance.com)"),
    ("archive.org_bot", "Mozilla/5.0 (compatible; archive.org_bot +http://www.archive.org/details/archive.org_bot)"),
    (
        "Prerender",
        (
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/119.0.0.0 "
            "Safari/537.36 Prerender (+https://github.com/prerender/prerender)"
        ),
    ),
    ("Cookiebot", "Mozilla/5.0 (compatible; Cookiebot/1.0; +http://cookiebot.com/)"),
    (
        "Cypress",
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Electron/9 "
            "Cypress/12 Chrome/106 Safari/537.36"
        ),
    ),
    ("Google-Read-Aloud", "Google-Read-Aloud"),
    (
        "GTmetrix",
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/108 "
            "Safari/537.36 GTmetrix"
        ),
    ),
    (
        "trendictionbot",
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64; trendictionbot0.5.0; trendiction search; "
            "http://www.trendiction.de/bot; please let us know of any problems; web at trendiction.com) "
            "Gecko/20170101 Firefox/67.0"
        ),
    ),
    ("Site24x7", "Mozilla/5.0 (compatible; Site24x7)"),
    (
        "bot",
        (
            "Mozilla/5.0 (Windows; U; Windows NT 6.0; en-US; rv:1.9.0.19; aggregator:Spinn3r (Spinn3r 3.1); "
            "http://spinn3r.com/robot) Gecko/2010040121 Firefox/3.0.19"
        ),
    ),
    ("Symantec", "Symantec Web Security Service"),
    (
        "MailScanner",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/99 Safari/537.36 MailScanner",
    ),
    ("Zscaler", "Zscaler"),
    ("FortiGuard", "FortiGuard URL scanner"),
    ("Sophos Email", "Sophos Email Link Check"),
    ("urlscan.io", "urlscan.io"),
    ("bitlybot", "bitlybot/3.0 (+http://bit.ly/)"),
]

BROWSERS = [
    ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"),
    (
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
        "Version/18.1 Safari/605.1.15"
    ),
    (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
        "Version/18.1 Mobile/15E148 Safari/604.1"
    ),
    ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:133.0) Gecko/20100101 Firefox/133.0"),
    ("Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0"),
    (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 "
        "Safari/537.36 Edg/142.0.0.0"
    ),
    (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 "
        "Safari/537.36 OPR/115.0.0.0"
    ),
    ("Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36"),
    (
        "Mozilla/5.0 (Linux; Android 14; SM-S928B) AppleWebKit/537.36 (KHTML, like Gecko) "
        "SamsungBrowser/27.0 Chrome/125.0.0.0 Mobile Safari/537.36"
    ),
    (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
        "CriOS/130.0.6723.90 Mobile/15E148 Safari/604.1"
    ),
    (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
        "Mobile/15E148 "
        "[FBAN/FBIOS;FBAV/485.1.0.45.110;FBBV/665337277;FBDV/iPhone15,2;FBMD/iPhone;FBSN/iOS;FBSV/18.0;FBSS/3"
        ";FBID/phone;FBLC/en_US;FBOP/5]"
    ),
    (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
        "Mobile/15E148 [LinkedInApp]/9.29.8962"
    ),
    (
        "Mozilla/5.0 (Linux; Android 14; Pixel 8 Build/AP2A; wv) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Version/4.0 Chrome/130.0.0.0 Mobile Safari/537.36 Instagram 355.0.0.40.105 Android"
    ),
    ("Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36"),
    (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/128.0.0.0 "
        "Safari/537.36 Vivaldi/6.9"
    ),
    ("Mozilla/5.0 (Android 14; Mobile; rv:133.0) Gecko/133.0 Firefox/133.0"),
    (
        "Mozilla/5.0 (Linux; Android 14; CUBOT KINGKONG) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/130.0.0.0 Mobile Safari/537.36"
    ),
    ("Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko"),
    (
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Slack/4.41.97 Chrome/130.0.0.0 Electron/33.0.1 Safari/537.36"
    ),
    (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Teams/1.6.00.4472 "
        "Chrome/102.0.5005.167 Electron/19.1.8 Safari/537.36"
    ),
    (
        "Mozilla/5.0 (iPad; CPU OS 17_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
        "GSA/340.3.690873455 Mobile/15E148 Safari/604.1"
    ),
    (
        "Mozilla/5.0 (Linux; U; Android 13; en-us; M2101K6G) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Version/4.0 Chrome/112 Mobile Safari/537.36 XiaoMi/MiuiBrowser/14.10"
    ),
    (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 "
        "Safari/537.36 Avast/130.0"
    ),
    (
        "Mozilla/5.0 (Linux; Android 13; SAMSUNG SM-A536B) AppleWebKit/537.36 DuckDuckGo/5 Chrome/130 Mobile "
        "Safari/537.36"
    ),
    ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:128.0) Gecko/20100101 Thunderbird/128.3.0"),
    ("Outlook-iOS/723.4046875.prod.iphone (4.2445.0)"),
    ("Mozilla/4.0 (compatible; ms-office; MSOffice 16)"),
    (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130 "
        "YaBrowser/24.10 Safari/537.36"
    ),
    (
        "Mozilla/5.0 (PlayStation; PlayStation 5/8.20) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/16.4 "
        "Safari/605.1.15"
    ),
    (
        "Mozilla/5.0 (Linux; Android 12; Quest 3) AppleWebKit/537.36 (KHTML, like Gecko) OculusBrowser/35 "
        "Chrome/126 VR Safari/537.36"
    ),
]

# Programs that people wrote, and what loads the pictures of a mail for its reader.
PROGRAMS = [
    ("python-requests/2.32.3"),
    ("python-httpx/0.28.1"),
    ("curl/8.5.0"),
    ("Wget/1.21.4"),
    ("Go-http-client/2.0"),
    ("okhttp/4.12.0"),
    ("axios/1.7.7"),
    ("node-fetch/1.0 (+https://github.com/bitinn/node-fetch)"),
    ("undici"),
    ("node"),
    ("Java/17.0.8"),
    ("Apache-HttpClient/4.5.14 (Java/17.0.8)"),
    ("Python-urllib/3.12"),
    ("Python/3.11 aiohttp/3.9.1"),
    ("Ruby"),
    ("Faraday v2.9.0"),
    ("GuzzleHttp/7"),
    ("PostmanRuntime/7.42.0"),
    ("insomnia/9.3.3"),
    ("analytics-python/2.3.3"),
    ("Segment.io/1.0"),
    ("Dart/3.4 (dart:io)"),
    ("CFNetwork/1494.0.7 Darwin/23.4.0"),
    ("MyApp/1.0 CFNetwork/1494.0.7 Darwin/23.4.0"),
    ("libwww-perl/6.72"),
    ("reqwest/0.12"),
    ("Zapier"),
    ("make.com"),
    ("Deno/2.0"),
    ("Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"),
    ("YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html"),
]


@pytest.mark.parametrize(("name", "user_agent"), BOTS, ids=[name for name, _ in BOTS])
def test_a_bot_is_found_by_its_name(name: str, user_agent: str) -> None:
    assert bot_name(user_agent) == name


@pytest.mark.parametrize("user_agent", BROWSERS)
def test_a_persons_browser_is_no_bot(user_agent: str) -> None:
    assert bot_name(user_agent) is None


@pytest.mark.parametrize("user_agent", PROGRAMS)
def test_a_program_is_no_bot_for_being_one(user_agent: str) -> None:
    assert bot_name(user_agent) is None


@pytest.mark.parametrize("context", [{}, {"userAgent": None}, {"userAgent": ""}, {"userAgent": 7}, {"userAgent": {}}])
def test_an_event_that_names_no_user_agent_is_nobodys(context: dict[str, object]) -> None:
    assert bot_of(context) is None


@pytest.mark.parametrize(
    "address",
    [
        "http://localhost:8000",
        "http://127.0.0.1:5500/shop?x=1",
        "http://[::1]/",
        "https://shop.localhost",
        "file:///a.html",
        "null",
    ],
)
def test_a_page_on_ones_own_machine_is_local_and_has_no_bots(address: str) -> None:
    assert is_local(address)
    assert bot_of({"userAgent": "HeadlessChrome/142.0", "page": {"url": address}}) is None


@pytest.mark.parametrize(
    "address", ["https://localhost.example.com", "https://example.com/localhost", "http://[", "", 7, None]
)
def test_any_other_page_may_have_bots(address: object) -> None:
    assert not is_local(address)
    assert bot_of({"userAgent": "HeadlessChrome/142.0", "page": {"url": address}}) == "HeadlessChrome"


def test_no_more_of_a_user_agent_is_looked_at_than_any_browser_sends() -> None:
    assert bot_of({"userAgent": "x" * MAX_USER_AGENT + "Googlebot/2.1"}) is None
    assert bot_of({"userAgent": "Googlebot/2.1" + "x" * 30_000}) == "Googlebot"


def test_the_user_agent_of_the_request_is_kept_with_an_event_that_has_none() -> None:
    event = IncomingEvent(event_type="page_view", context={"locale": "de"})

    assert seen_through(event, "Firefox").context == {"locale": "de", "userAgent": "Firefox"}
    assert seen_through(event, None) is event
    assert len(seen_through(event, "x" * 5_000).context["userAgent"]) == MAX_USER_AGENT


def test_what_an_event_says_of_its_user_agent_beats_the_request() -> None:
    event = IncomingEvent(event_type="page_view", context={"userAgent": "Googlebot/2.1"})

    assert seen_through(event, "Firefox") is event
