from __future__ import annotations

import pytest

from features.assist.notation import Corpus, NotationError, parsed, shipped_corpus
from features.assist.taxonomy import taxonomy

TEXT = """
PARTNER id=xx_rook name=Rook Security type=msp domains=rook.example aliases=Rook|The Rooks

# 1 getting to a buyer

=== CONV id=xx01 channel=call started=2024-06-15T13:55:00 industry=supply chain deal=X-1
[45:30] Ruth Ojo (internal): Where are we with the buyer?
[01:45:36] Tom A. (customer) <tom@buyer.example>: Rook (our MSP) rang: "done".
>> decision_maker_access xx_rook
>> neutral_mention -

=== CONV id=xx02 channel=email started=2024-06-16T13:55:00Z
[00:00] Ines (partner:xx_rook): We fixed it.
"""


def test_a_transcript_is_read_into_tables() -> None:
    corpus = parsed([("one", TEXT)])
    assert corpus.conversations["industry"].fillna("").tolist() == ["supply chain", ""]
    assert corpus.utterances["utterance_id"].tolist() == ["xx01-0000", "xx01-0001", "xx02-0000"]
    assert corpus.utterances["text"].tolist()[1] == 'Rook (our MSP) rang: "done".'
    assert corpus.utterances["start_s"].tolist() == [2730, 6336, 0]
    assert corpus.utterances["speaker_email"].tolist()[1] == "tom@buyer.example"
    assert corpus.utterances["partner_id"].fillna("").tolist() == ["", "", "xx_rook"]
    assert corpus.partner_aliases["alias"].tolist() == ["Rook Security", "Rook", "The Rooks"]


def test_a_label_belongs_to_the_utterance_above_it_and_a_dash_to_no_known_partner() -> None:
    labels = parsed([("one", TEXT)]).labels
    assert labels["utterance_id"].tolist() == ["xx01-0001", "xx01-0001"]
    assert labels["partner_id"].fillna("").tolist() == ["xx_rook", ""]


def test_snippets_under_one_comment_are_a_group() -> None:
    groups = parsed([("one", TEXT)]).conversations["group"]
    assert groups.nunique() == 1


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (">> help xx_rook", "'help' is no class of the taxonomy"),
        (">> risk_save xx_nobody", "'xx_nobody' is no partner of this corpus"),
        ("[12:00] Ruth Ojo (friend): Hello.", "no utterance is written so"),
    ],
)
def test_a_line_that_is_wrong_is_named_with_its_file_and_number(line: str, reason: str) -> None:
    with pytest.raises(NotationError, match=f"one, line 14: {reason}"):
        parsed([("one", TEXT + line)])


@pytest.fixture(scope="module")
def shipped() -> Corpus:
    return shipped_corpus()


def test_every_class_has_examples_by_at_least_three_authors_in_the_shipped_conversations(shipped: Corpus) -> None:
    author = shipped.conversations.set_index("conversation_id")["author"]
    by_class = shipped.labels["conversation_id"].map(author).groupby(shipped.labels["label"]).nunique()
    assert by_class.reindex(list(taxonomy().ids)).min() >= 3


def test_ids_of_the_shipped_conversations_are_unique(shipped: Corpus) -> None:
    assert shipped.utterances["utterance_id"].is_unique
    assert shipped.conversations["conversation_id"].is_unique
    assert shipped.partners["partner_id"].is_unique
