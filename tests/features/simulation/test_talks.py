from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from features.assist.notation import shipped_corpus
from features.assist.taxonomy import taxonomy
from features.simulation.company import Company, simulate
from features.simulation.recordings import recordings, spoken
from features.simulation.scripts import openings, scenes
from features.simulation.settings import Settings
from features.simulation.talks import talks
from features.tables import JOURNEY_STAGES


@pytest.fixture(scope="module")
def company() -> Company:
    return simulate(Settings(n_deals=400), seed=2)


def test_scenes_tell_of_every_class_and_openings_of_none() -> None:
    told = {label for stage in JOURNEY_STAGES for scene in scenes(stage) for label in scene.labels}
    assert told == set(taxonomy().ids) - {"background"}
    assert not any(scene.labels for scene in openings())


def test_scenes_of_a_stage_have_the_assists_of_that_stage_alone() -> None:
    for stage in JOURNEY_STAGES:
        told = {label for scene in scenes(stage) for label in scene.labels} & set(taxonomy().assist_ids)
        assert {taxonomy()[label].stage for label in told} == {stage}


def test_an_unknown_stage_is_refused() -> None:
    with pytest.raises(ValueError, match=r"'midway' is no stage of the journey; choose one of pre_sale"):
        scenes("midway")


def test_no_name_of_the_scenes_partner_is_left_in_what_is_said(company: Company) -> None:
    said = " ".join(turn.text for talk in talks(company) for turn in talk.turns)
    assert "Merrifield" not in said
    assert "{" not in said


def test_a_partner_is_spoken_of_at_one_of_its_touches_and_by_its_own_people(company: Company) -> None:
    touches = set(company.touches[["deal", "partner", "occurred"]].itertuples(index=False, name=None))
    made = talks(company)
    assert len(made) == pytest.approx(20, abs=1)
    assert {(talk.deal, talk.partner, talk.started) for talk in made} <= touches
    names = company.partners.frame["name"]
    for talk in made:
        own = names[talk.partner].lower().replace(" ", "-") + ".example"
        assert all(one.email.endswith(own) for one in talk.speakers if one.org == "partner")


def test_turns_of_a_talk_follow_each_other(company: Company) -> None:
    for talk in talks(company):
        times = np.array([(turn.start_s, turn.end_s) for turn in talk.turns])
        assert (times[:, 1] > times[:, 0]).all()
        assert (times[1:, 0] > times[:-1, 1]).all()


def test_what_is_said_leaves_the_company_as_it_is_and_is_the_same_again(company: Company) -> None:
    before = company.touches.copy()
    first, again = spoken(company), spoken(company)
    assert recordings(company, first[0]) == recordings(company, again[0])
    pd.testing.assert_frame_equal(first[1], again[1])
    pd.testing.assert_frame_equal(company.touches, before)


@pytest.mark.slow
def test_no_scene_is_in_the_conversations_that_models_learn_from() -> None:
    learned = set(shipped_corpus().utterances["text"])
    said = {line.text for stage in JOURNEY_STAGES for scene in scenes(stage) for line in scene.lines if line.label}
    assert not said & learned
