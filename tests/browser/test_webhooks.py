"""The form of a webhook source tries its mapping out without being saved, under the strict content policy."""

import pytest
from playwright.sync_api import Page, expect

from ingest.models import Project, User, WebhookSource

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("width", [390, 1280])
def test_a_mapping_is_tried_out_while_it_is_edited(page: Page, project: Project, member: User, width: int) -> None:
    User.objects.filter(pk=member.pk).update(is_staff=True, is_superuser=True)
    page.set_viewport_size({"width": width, "height": 800})
    page.goto("/admin/ingest/webhooksource/add/?vendor=typeform")
    page.get_by_label("Event type").fill("talk_to_us")

    page.get_by_role("button", name="Try it out").click()
    expect(page.locator("#try_result")).to_contain_text('"eventType": "talk_to_us"')
    page.get_by_label("User id").fill("user.id")
    page.get_by_role("button", name="Try it out").click()

    expect(page.locator("#try_result")).to_contain_text("User id: Must begin with $")
    assert WebhookSource.objects.count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_only_the_fields_of_the_chosen_scheme_are_shown(page: Page, project: Project, member: User) -> None:
    User.objects.filter(pk=member.pk).update(is_staff=True, is_superuser=True)
    page.goto("/admin/ingest/webhooksource/add/?vendor=standard")
    expect(page.get_by_label("Signature header")).to_be_hidden()

    page.get_by_label("How it signs").select_option("header")

    expect(page.get_by_label("Signature header")).to_be_visible()
