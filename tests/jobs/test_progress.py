from itertools import pairwise

import pytest

from vitascope import pipeline
from vitascope.jobs.progress import JobProgress
from vitascope.progress import Event, Progress
from vitascope.testing.chaos import take
from vitascope.testing.fakes import FakeLatents


@pytest.mark.parametrize("said", [{}, {"num_frames": 65}, {"num_frames": 17, "loop": True}])
def test_it_grows_evenly_from_0_to_99(tmp_path, said):
    renderer = FakeLatents()
    planned = pipeline.plan(take(7, **said), renderer).shot
    job_progress, told = JobProgress([planned], renderer.passes), []
    progress = Progress(lambda event: told.append(job_progress.read(event)))
    clip = pipeline.generate(planned, renderer, progress)
    pipeline.deliver(clip, tmp_path / "clip.mp4", progress)
    percents = [standing.percent for standing in told]
    assert percents == sorted(percents)
    assert (percents[0], percents[-1]) == (0, 99)
    assert max(b - a for a, b in pairwise(percents)) <= 25


def test_several_clips_share_the_whole():
    job_progress = JobProgress([take(7, steps=4)] * 2, FakeLatents().passes)
    assert job_progress.read(Event("write", 1, 1)).percent == 50
    job_progress.next_clip()
    assert job_progress.read(Event("load", 0, 1)).percent == 50
    assert job_progress.read(Event("write", 1, 1)).percent == 99


def test_steps_that_were_made_before_are_counted():
    job_progress = JobProgress([take(7, steps=8)], FakeLatents().passes)
    standing = job_progress.read(Event("denoise", 1, 3, 2.0))
    assert (standing.step, standing.total, standing.seconds_left) == (6, 8, 2.0)


def test_a_phase_that_nobody_knows_harms_nothing():
    job_progress = JobProgress([take(7)], FakeLatents().passes)
    assert job_progress.read(Event("dream", 1, 2)).percent == 0


def test_shots_of_a_film_take_as_much_as_they_are_long():
    job_progress = JobProgress([take(7, steps=4), take(8, steps=8, num_frames=40)], FakeLatents().passes)
    half = job_progress.read(Event("denoise", 2, 4))
    assert (half.clip, half.clip_percent) == (0, 44)
    job_progress.next_clip()
    begun = job_progress.read(Event("load", 0, 1))
    assert (begun.clip, begun.clip_percent, begun.percent) == (1, 0, 25), "the second has three windows"
    assert job_progress.read(Event("denoise", 1, 3)).step == 6, (
        "it has eight steps, and five were made before"
    )
    job_progress.next_clip()
    assert job_progress.read(Event("cut", 0, 2)).percent == 99
