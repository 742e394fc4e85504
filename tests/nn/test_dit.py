import torch

from vitascope.nn.dit import FRAMES, SAMPLES, DiT, DiTConfig, PageSampler, nearness, places, slot_weights

TINY = DiTConfig(
    latent_channels=6,
    channels=15,
    dim=32,
    heads=2,
    depth=4,
    text_dim=16,
    hidden=48,
    modulation=16,
    page=8,
    phases=4,
    axes=(2, 3, 3),
)


def inputs(tokens: int = 12, words: int = 5) -> dict[str, torch.Tensor]:
    torch.manual_seed(1)
    return {
        "video": torch.randn(2, tokens, 6),
        "levels": torch.rand(2, tokens),
        "channels": torch.randn(2, tokens, 15),
        "subjects": torch.randn(2, tokens, 2, 34),
        "pages": torch.rand(2, 2, 4, 4, 8, 8),
        "positions": torch.randn(tokens, 3),
        "text": torch.randn(2, words, 16),
        "mask": torch.tensor([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]]).bool()[:, :words],
        "pooled": torch.randn(2, 16),
    }


@torch.no_grad()
def test_tokens_have_no_order_but_their_positions(awake):
    net, given = awake(DiT(TINY)), inputs()
    order = torch.randperm(12)
    shuffled = {
        k: v[:, order] if k in ("video", "levels", "channels", "subjects") else v for k, v in given.items()
    }
    shuffled["positions"] = given["positions"][order]
    torch.testing.assert_close(net(**shuffled), net(**given)[:, order], rtol=1e-4, atol=1e-5)


def test_a_pan_shows_through_one_token_what_was_seen_through_its_neighbour():
    positions = torch.tensor([[0.0, 0.0, x] for x in (-1.5, -0.5, 0.5, 1.5)])
    camera = torch.zeros(1, 4, 8)
    before = places(camera, positions)
    camera[..., 0] = 0.25
    after = places(camera, positions)
    spot = slice(84, 112)
    torch.testing.assert_close(after[0, :3, spot], before[0, 1:, spot], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(after[0, :, :28], before[0, :, :28], msg="the sky never moves")
    torch.testing.assert_close(after[0, :, 140:], before[0, :, 140:])


def test_a_zoom_brings_what_is_seen_through_a_token_nearer_to_the_middle():
    positions = torch.tensor([[0.0, y, 0.0] for y in (-2.0, -1.0, 1.0, 2.0)])
    camera = torch.zeros(1, 4, 8)
    before = places(camera, positions)
    camera[..., 2] = 1.0
    spot = slice(84, 112)
    torch.testing.assert_close(places(camera, positions)[0, [0, 3], spot], before[0, [1, 2], spot])


def test_a_place_on_the_subject_is_the_same_wherever_the_subject_is():
    positions = torch.tensor([[0.0, 0.0, x] for x in (-1.5, -0.5, 0.5, 1.5)])
    subject = torch.zeros(1, 4, 34)
    subject[..., 0] = 1
    subject[..., 1:13] = torch.tensor([4.0, 0, 0, 0, 4.0, 0] * 2)
    before = nearness(subject, positions)
    subject[..., [3, 9]] = -4.0 * 0.25
    torch.testing.assert_close(nearness(subject, positions)[0, 1:], before[0, :-1], rtol=1e-4, atol=1e-4)
    subject[..., 0] = 0
    assert not nearness(subject, positions).any(), "nobody knows where the subject is"


@torch.no_grad()
def test_the_field_sees_places_and_words_and_no_noise(awake):
    net, given = awake(DiT(TINY)), inputs()
    about = {name: given[name] for name in ("channels", "subjects", "pages", "positions", "pooled")}
    told = net.context(**about)
    stepped = net.denoiser(
        given["video"], given["levels"], *told, given["positions"], given["text"], given["mask"]
    )
    torch.testing.assert_close(stepped, net(**given))
    other = about | {"pooled": given["pooled"] + 1}
    assert not torch.allclose(net.context(**other)[2], told[2])


def test_the_edges_of_a_token_say_which_way_round_the_subject_is():
    positions = torch.tensor([[0.0, 0.0, x] for x in (-0.5, 0.5)])
    subject = torch.zeros(1, 2, 34)
    subject[..., 0] = 1
    subject[..., 1:13] = torch.tensor([4.0, 0, 0, 0, 4.0, 0] * 2)
    mirrored = subject.clone()
    mirrored[..., [1, 7]] *= -1
    here, there = nearness(subject, positions), nearness(mirrored, positions)
    # The left half of a mirrored subject is its right half, seen from the other side.
    assert (here[0, 0] - there[0, 1]).abs().max() > 0.5
    place = slice(0, 24)
    torch.testing.assert_close(here[0, 0, place], there[0, 1, place])


@torch.no_grad()
def test_padding_words_are_not_seen(awake):
    net, given = awake(DiT(TINY)), inputs()
    changed = given["text"].clone()
    changed[0, 3:] = 99.0
    torch.testing.assert_close(net(**given | {"text": changed}), net(**given))


@torch.no_grad()
def test_every_token_has_its_own_level(awake):
    net, given = awake(DiT(TINY)), inputs()
    levels = given["levels"].clone()
    levels[0, 0] = 0.0
    assert not torch.allclose(net(**given | {"levels": levels})[0], net(**given)[0])
    torch.testing.assert_close(net(**given | {"levels": levels})[1], net(**given)[1])


@torch.no_grad()
def test_routing_all_tokens_is_no_routing(awake):
    net, given = awake(DiT(TINY)), inputs()
    torch.testing.assert_close(net(**given, keep=torch.arange(12)), net(**given))
    assert net(**given, keep=torch.tensor([0, 5, 7])).shape == (2, 12, 6)


UNCHANGED = torch.zeros(4, 4)


def looks_of(
    subjects: torch.Tensor, cells: torch.Tensor, pages: torch.Tensor, mixed: torch.Tensor = UNCHANGED
) -> torch.Tensor:
    """Return what a 2x2 picture's tokens show of subjects `[1 tokens slots 34]`, `[tokens channel frame y x]`.

    `mixed` is what the words add to the channels of the pages, from all of them.
    """
    net = PageSampler(TINY)
    with torch.no_grad():
        net.tint.weight.zero_()
        net.tint.bias.copy_(mixed.flatten())
        seen = []
        net.show.register_forward_hook(lambda layer, given, made: seen.append(given[0]))
        net(subjects, pages[None], cells[None], torch.tensor([2.0, 2.0]), torch.zeros(1, 16))
    return seen[0][0].unflatten(-1, (4, FRAMES, SAMPLES, SAMPLES))


FULL_PICTURE = torch.tensor([2.0, 0, 0, 0, 2.0, 0])
CORNERS = torch.tensor([[y, x] for y in (-0.5, 0.5) for x in (-0.5, 0.5)])


def told(turns: float = 0.0, passed: float = 0.0, now: torch.Tensor = FULL_PICTURE) -> torch.Tensor:
    """Return what four tokens are told of a subject whose picture fills the screen."""
    angle = torch.tensor(2 * torch.pi * turns)
    row = torch.cat(
        [torch.ones(1), now, now, angle.cos()[None], angle.sin()[None], torch.tensor([passed]), now.repeat(3)]
    )
    return row.expand(1, 4, 1, -1)


def test_pages_are_shown_where_the_map_leads():
    page = torch.zeros(1, 4, 4, 8, 8)
    page[0, :, :, :4, 4:] = 1.0
    shown = looks_of(told(), CORNERS, page)
    assert shown[1].mean() > 0.8, "the upper right corner, white and opaque"
    assert shown[2].abs().mean() < 0.1
    mirrored = looks_of(told(now=FULL_PICTURE * torch.tensor([-1.0, 1, 1, 1, 1, 1])), CORNERS, page)
    torch.testing.assert_close(mirrored[0], shown[1].flip(-1))
    torch.testing.assert_close(looks_of(told() * 0, CORNERS, page), torch.zeros_like(shown))


def test_words_turn_colours_to_grey_and_darken_what_is_there():
    red = torch.zeros(1, 4, 4, 8, 8)
    red[0, [0, 3]] = 1.0
    noir = torch.cat([torch.full((3, 3), 1 / 3), torch.zeros(3, 1)], dim=1)
    noir = torch.cat([noir - torch.eye(3, 4), torch.zeros(1, 4)])
    shown = looks_of(told(), CORNERS, red, noir)[..., 4, 4]
    torch.testing.assert_close(shown[:, 0], shown[:, 2])
    torch.testing.assert_close(shown[:, 3], torch.ones(4, FRAMES))
    night = torch.zeros(4, 4)
    night[:3, 3] = -0.5
    plain = looks_of(told(), CORNERS, red)[..., 4, 4]
    torch.testing.assert_close(looks_of(told(), CORNERS, red, night)[..., 4, 4][:, :3], plain[:, :3] - 0.5)


def test_each_frame_shows_its_own_phase_of_the_animation():
    alpha = torch.arange(4.0).view(1, 1, 4, 1, 1).expand(1, 4, 4, 8, 8)
    shown = looks_of(told(turns=0.75, passed=0.75), CORNERS, alpha)[0, 0, :, -1, -1]
    torch.testing.assert_close(shown, torch.tensor([0.75, 1.5, 2.25, 3.0]))
    around = looks_of(told(turns=0.875), CORNERS, alpha)[0, 0, :, -1, -1]
    torch.testing.assert_close(
        around, torch.full((FRAMES,), 1.5), msg="the last phase goes over into the first"
    )


def test_a_subject_hides_those_in_later_slots_as_far_as_it_is_opaque():
    white, black = torch.ones(4, 4, 8, 8), torch.zeros(4, 4, 8, 8)
    black[3] = 1.0
    half = white * 0.5
    both = told().repeat(1, 1, 2, 1)
    middle = (slice(None), 0, slice(None), 4, 4)
    for front, wanted in ((white, 1.0), (half, 0.0), (torch.zeros_like(white), -1.0)):
        shown = looks_of(both, CORNERS, torch.stack([front, black]))[0][middle[1:]]
        torch.testing.assert_close(shown, torch.full_like(shown, wanted), rtol=0, atol=1e-3)


def test_tokens_belong_to_the_subject_that_is_nearest():
    positions = torch.tensor([[0.0, 0.0, x] for x in (-1.5, -0.5, 0.5, 1.5)])
    subjects = torch.zeros(1, 4, 2, 34)
    subjects[..., 0] = 1
    subjects[..., 1:7] = torch.tensor([8.0, 0, 0, 0, 8.0, 0])
    subjects[..., 0, 3], subjects[..., 1, 3] = 3.0, -3.0
    shares = slot_weights(subjects, positions)
    torch.testing.assert_close(shares.sum(-1), torch.ones(1, 4))
    assert (shares[0, 0, 0] > 0.99) & (shares[0, 3, 1] > 0.99)
    subjects[..., 1, 0] = 0
    torch.testing.assert_close(slot_weights(subjects, positions)[..., 0], torch.ones(1, 4))
    assert not slot_weights(0 * subjects, positions).any()


@torch.no_grad()
def test_a_place_for_a_subject_that_nobody_takes_changes_nothing(awake):
    net, given = awake(DiT(TINY)), inputs()
    alone = given | {"subjects": given["subjects"][:, :, :1].clone(), "pages": given["pages"][:, :1]}
    alone["subjects"][..., 0] = 1
    empty = torch.zeros_like(alone["subjects"])
    more = alone | {
        "subjects": torch.cat([alone["subjects"], empty], 2),
        "pages": torch.cat([alone["pages"], alone["pages"]], 1),
    }
    torch.testing.assert_close(net(**more), net(**alone))
