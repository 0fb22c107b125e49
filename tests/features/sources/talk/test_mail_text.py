"""A mail's own words are told from what it quotes and from its signature, whatever mail program wrote it."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.sources.talk.html_text import text_of_html
from features.sources.talk.mail_authors import author_of
from features.sources.talk.mail_text import Part, passages


def parts(body: str) -> dict[Part, list[str]]:
    found: dict[Part, list[str]] = {part: [] for part in Part}
    for passage in passages(body):
        found[passage.part].append(passage.text)
    return found


OUTLOOK = (
    "Fine.\n\nFrom: Ann Li [mailto:ann@a.example]\nSent: Friday, 9 May 2025 4:22 PM\nTo: Bo\nSubject: Offer\n\nOld."
)


@pytest.mark.parametrize(
    ("body", "own", "quoted"),
    [
        ("Fine.\n\nOn Fri, 9 May 2025, Ann Li <ann@a.example>\nwrote:\n\n> Old.\n> Older.", ["Fine."], ["Old. Older."]),
        ("Fine.\n\nOn Fri, 9 May 2025 at 18:02, Ann Li wrote:\n\nOld.", ["Fine."], ["Old."]),
        ("On 9.5.2025 18:02, Ann wrote:\n> Old?\n\nNew.\n\n> Why?\n\nBecause.", ["New.", "Because."], ["Old?", "Why?"]),
        ("Passt.\n\nAm 09.05.2025 um 18:02 schrieb Ann Li:\n> Alt.", ["Passt."], ["Alt."]),
        ("Да.\n09.05.2025 18:02 пользователь <a@a.example> написал:\n> Ну?", ["Да."], ["Ну?"]),
        (OUTLOOK, ["Fine."], ["Old."]),
        ("Fine.\n-----Original Message-----\nOld.", ["Fine."], ["Old."]),
        (
            "We met on 9 May 2025 and agreed:\n\n- price\n- term",
            ["We met on 9 May 2025 and agreed:", "- price", "- term"],
            [],
        ),
        ("Note this:\nFrom: here on it is\nours.", ["Note this: From: here on it is ours."], []),
    ],
)
def test_own_words_are_told_from_quoted_ones(body: str, own: list[str], quoted: list[str]) -> None:
    found = parts(body)
    assert found[Part.OWN] == own
    assert found[Part.QUOTED] == quoted


@pytest.mark.parametrize(
    ("end", "is_signature"),
    [
        ("-- \nAnn Li\nAcme", True),
        ("Best regards,\nAnn Li\n+47 22 00 00 00", True),
        ("Sent from my iPhone", True),
        ("Sent from my desk, which is much easier.", False),
        ("This e-mail and any attachments are confidential.\nDelete it.", True),
        ("-Ann Li", True),
        ("Thanks for the intro, it went well.", False),
    ],
)
def test_signatures_are_told_from_words(end: str, is_signature: bool) -> None:
    found = parts(f"The pilot went live.\n\n{end}")
    assert bool(found[Part.SIGNATURE]) is is_signature
    assert found[Part.OWN][0] == "The pilot went live."


def test_hard_wrapped_lines_are_joined_and_list_items_stay_apart() -> None:
    assert parts("They cut the\nsecurity review.\n- in a\n  week\n- for free")[Part.OWN] == [
        "They cut the security review.",
        "- in a week",
        "- for free",
    ]


@given(st.text(alphabet="ab >\n:-@.0", max_size=200))
def test_no_word_of_an_author_is_lost_without_being_told(body: str) -> None:
    told = "".join(p.text for p in passages(body)).count("a")
    introductions = 0 if ":" not in body else body.count("a")
    assert body.count("a") - introductions <= told <= body.count("a")


def test_hostile_bodies_take_no_more_than_long_ones() -> None:
    began = time.process_time()
    for body in ("On " * 15_000, "From: a@b.example\n" * 5_000, "> " * 15_000, "Sent from " * 7_500, "<" * 15_000):
        passages(body)
    assert time.process_time() - began < 1


def test_html_mail_is_read_with_its_quotes_marked() -> None:
    markup = (
        "<html><head><style>p{}</style></head><body><p>It is&nbsp;done &amp; live.</p><script>x</script>"
        "<div style='display: none'>hidden</div><ul><li>one</li><li>two</li></ul>"
        "<div class='gmail_quote'>On 9 May 2025 Ann &lt;a@a.example&gt; wrote:"
        "<blockquote>Old.<br>Older.</blockquote></div>"
    )
    assert text_of_html(markup) == (
        "It is done & live.\n\n- one\n- two\n\n> On 9 May 2025 Ann <a@a.example> wrote:\n\n> Old.\n> Older."
    )
    assert parts(text_of_html(markup))[Part.QUOTED] == ["Old. Older."]
    outlook = "<p>New.</p><div id='divRplyFwdMsg'>From: Ann</div><p>Old.</p>"
    assert parts(text_of_html(outlook))[Part.OWN] == ["New."]


def test_html_that_is_no_mail_but_a_bomb_is_survived() -> None:
    began = time.process_time()
    assert text_of_html("<div>" * 5_000 + "deep") == "deep"
    assert text_of_html("<a " * 50_000) == text_of_html("<!--" * 50_000) == ""
    assert time.process_time() - began < 1
    assert text_of_html("&lol;" * 3) == "&lol;&lol;&lol;"


@pytest.mark.parametrize(
    ("introduction", "author"),
    [
        ("On Fri, 9 May 2025 at 18:02, Ann Li <ann@a.example> wrote:", ("Ann Li", "ann@a.example")),
        ("On Fri, May 9, 2025 at 6:02 PM Ann Li <ann@a.example> wrote:", ("Ann Li", "ann@a.example")),
        ("From: Ann Li [mailto:ann@a.example]\nSent: Friday\nTo: Bo", ("Ann Li", "ann@a.example")),
        ("Am 09.05.2025 um 18:02 schrieb Ann Li:", ("Ann Li", "")),
        ("-----Original Message-----", None),
    ],
)
def test_the_author_of_a_quoted_mail_is_read_from_its_introduction(
    introduction: str, author: tuple[str, str] | None
) -> None:
    assert author_of(introduction) == author


def test_deeper_quotes_are_nobodys() -> None:
    body = "New.\n\nOn 9 May 2025, Ann Li <ann@a.example> wrote:\n> Old.\n>\n> > Oldest."
    assert [(p.text, p.author) for p in passages(body)] == [("New.", ""), ("Old.", "Ann Li"), ("Oldest.", "")]
