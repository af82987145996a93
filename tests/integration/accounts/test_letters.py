"""Mails that a mail server does not take at once."""

from tests.integration.accounts.conftest import Accounts


async def test_a_mail_that_is_delayed_is_sent_again_with_the_same_link_and_a_refused_one_is_not(
    alone: Accounts,
) -> None:
    owner = await alone.owner()
    mia, max_ = await owner.member("Mia"), await owner.member("Max")
    alone.inbox.replies = ["451 4.7.1 later", "250 2.0.0 queued"]
    await owner.made("/invitations", {"member_id": mia["id"]})
    first, second = await alone.link(mia["email"]), await alone.link(mia["email"], 2)
    assert first == second
    assert len({str(mail["Message-ID"]) for mail in alone.mails(mia["email"])}) == 1
    assert (await alone.accept(second)).status_code == 201
    alone.inbox.replies = ["550 5.1.1 no such user"]
    made = await owner.made("/invitations", {"member_id": max_["id"]})
    await alone.system.quiet()
    shown = (await owner.ask("GET", f"/invitations/{made['id']}")).json()
    assert (shown["failed"], shown["sent_at"], shown["status"]) == ("refused", None, "open")
    assert len(alone.mails(max_["email"])) == 1
