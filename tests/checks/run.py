"""Checks of a whole run of epochs: what is trained on, what is saved, what resuming remembers."""

import math
from typing import Any

import torch
from torch import nn

from cifar_repro.audits.checks.kit import check
from cifar_repro.audits.subject import Subject
from cifar_repro.core.recipe import Recipe, Seeds
from tests.checks.kit import RECIPE, SEEDS, Fitted, N, copied, figures, lesson, plain_fit, watched_fit


@check("fit")
def a_run_is_the_lessons(subject: Subject) -> None:
    """Every epoch's losses, savings and weights of a short run equal those of the lesson's own loop, to the bit."""
    ours, theirs = plain_fit(subject), lesson()
    assert [e.train_loss for e in ours.epochs] == theirs.train_losses, "training losses are not the lesson's"
    assert [e.valid_loss for e in ours.epochs] == theirs.valid_losses, "validation losses are not the lesson's"
    assert [e.saved for e in ours.epochs] == theirs.saved, "other epochs are saved than in the lesson"
    weights = ours.training.network.state_dict()
    for name, expected in theirs.weights.items():
        assert torch.equal(weights[name], expected), f"{name} ends with other values than in the lesson"


@check("fit")
def training_sees_each_training_image_once_an_epoch(subject: Subject) -> None:
    """In each epoch every training image is trained on once, in batches of its size; no validation image is."""
    train_idx, valid_idx = (set(part.tolist()) for part in subject.split_indices(N, 0.2, SEEDS.split))
    fitted = plain_fit(subject)
    for epoch in (1, 2, 3):
        batches = fitted.passes[f"epoch {epoch}/3 training"]
        seen = [number for batch in batches for number in batch]
        leaked = sorted(valid_idx & set(seen))
        assert not leaked, f"epoch {epoch} trains on validation images {leaked}"
        assert sorted(seen) == sorted(train_idx), f"epoch {epoch} trains on {len(seen)} images, some missing or twice"
        sizes = [len(batch) for batch in batches]
        assert sizes == [5, 5, 5, 4], f"training batches hold {sizes} images, by the recipe it is [5, 5, 5, 4]"


@check("fit")
def validation_sees_the_validation_images_in_order(subject: Subject) -> None:
    """Each epoch is validated on exactly the validation images, in the order of the split."""
    expected = subject.split_indices(N, 0.2, SEEDS.split)[1].tolist()
    fitted = plain_fit(subject)
    for epoch in (1, 2, 3):
        seen = [number for batch in fitted.passes[f"epoch {epoch}/3 validation"] for number in batch]
        assert seen == expected, f"epoch {epoch} is validated on images {seen}, the split says {expected}"


@check("fit")
def the_order_is_a_new_permutation_each_epoch(subject: Subject) -> None:
    """The training order is, epoch after epoch, the next randperm of a generator that only the order seed sets."""
    train_idx = subject.split_indices(N, 0.2, SEEDS.split)[0]
    generator = torch.Generator().manual_seed(SEEDS.order)
    orders = []
    fitted = plain_fit(subject)
    for epoch in (1, 2, 3):
        orders.append([number for batch in fitted.passes[f"epoch {epoch}/3 training"] for number in batch])
        expected = train_idx[torch.randperm(len(train_idx), generator=generator)].tolist()
        if epoch > 1:
            assert orders[-1] != orders[-2], f"epoch {epoch} has the order of the epoch before: not shuffled again"
        assert orders[-1] == expected, f"the order of epoch {epoch} is not SubsetRandomSampler's for this seed"


@check("fit")
def what_follows_an_epoch_cannot_disturb_the_next(subject: Subject) -> None:
    """Random numbers drawn after an epoch, to draw a figure say, do not change the epochs that follow."""
    drawn = watched_fit(subject, between=lambda: torch.rand(7))
    assert figures(drawn.epochs) == figures(plain_fit(subject).epochs), "drawing random numbers between epochs shows"


@check("fit")
def each_seed_drives_its_own_source_alone(subject: Subject) -> None:
    """Another seed for one source changes that source, and none of the others."""

    def sources(seeds: Seeds) -> dict[str, Any]:
        masks: list[torch.Tensor] = []
        network_of: dict[str, Any] = {}
        build = subject.modules["training"].build_network

        def watched_network(recipe: Any) -> nn.Module:
            network: Any = build(recipe)
            network_of["init"] = [p.detach().clone() for p in network.parameters()]
            network.dropout.register_forward_hook(lambda m, i, out: masks.append((out != 0) | (i[0] == 0)))
            return network  # type: ignore[no-any-return]

        subject.modules["training"].build_network = watched_network
        try:
            fitted = watched_fit(subject, RECIPE.with_changes({"epochs": 1, "dropout": 0.5}), seeds)
        finally:
            subject.modules["training"].build_network = build
        trained = [number for batch in fitted.passes["epoch 1/1 training"] for number in batch]
        split = subject.split_indices(N, 0.2, seeds.split)
        place = {number: at for at, number in enumerate(split[0].tolist())}
        return {
            "split": split[1].tolist(),
            "init": [p.sum().item() for p in network_of["init"]],
            "order": [place.get(number) for number in trained],
            # Which inputs of fc1 are dropped: the first mask is drawn before anything that depends on weights.
            "dropout": masks[0].tolist(),
        }

    base = sources(SEEDS)
    for name in ("split", "init", "order"):
        changed = sources(Seeds(**{**vars(SEEDS), name: 77}))
        for other in ("split", "init", "order"):
            if other == name:
                assert changed[other] != base[other], f"another {name} seed changes nothing: it is not used"
            else:
                assert changed[other] == base[other], f"another {name} seed changes the {other}: they share randomness"
    changed = sources(Seeds(**{**vars(SEEDS), "dropout": 77}))
    assert changed["dropout"] != base["dropout"], "another dropout seed drops the same inputs: it is not used"
    for other in ("split", "init", "order"):
        assert changed[other] == base[other], f"another dropout seed changes the {other}: they share randomness"


def fit_with_losses(
    subject: Subject, losses: list[float], resume: dict[str, Any] | None = None, recipe: Recipe = RECIPE, **more: Any
) -> Fitted:
    """A run whose validation losses are the given ones, its training left out but for a mark on the weights."""
    training = subject.modules["training"]
    remaining = iter(losses)
    before = len(resume["epochs"]) if resume else 0

    def fake_train_epoch(network: nn.Module, batches: Any, optimizer: Any) -> Any:
        with torch.no_grad():
            next(network.parameters()).add_(1.0)
        return training.StepLosses([1.0], [1])

    def fake_evaluate(network: nn.Module, batches: Any) -> Any:
        return type("Fake", (), {"loss": next(remaining), "accuracy": 0.5})

    originals = training.train_epoch, training.evaluate
    training.train_epoch, training.evaluate = fake_train_epoch, fake_evaluate
    try:
        return watched_fit(subject, recipe.with_changes({"epochs": before + len(losses)}), resume=resume, **more)
    finally:
        training.train_epoch, training.evaluate = originals


def lessons_rule(losses: list[float]) -> list[bool]:
    """Which epochs the lesson saves."""
    lowest, saved = math.inf, []
    for loss in losses:
        saved.append(loss <= lowest)
        lowest = loss if saved[-1] else lowest
    return saved


@check("fit")
def all_epochs_of_the_recipe_are_run(subject: Subject) -> None:
    """As many epochs as the recipe says, even while the validation loss grows: the lesson has no patience."""
    found = [e.epoch for e in fit_with_losses(subject, [1.0, 2.0, 3.0, 4.0]).epochs]
    assert found == [1, 2, 3, 4], f"a recipe of 4 epochs with a growing validation loss ran the epochs {found}"


@check("fit")
def weights_are_saved_when_the_loss_is_no_higher(subject: Subject) -> None:
    """An epoch is saved if its validation loss is at most the lowest so far: a tie saves, a rise does not."""
    for losses in ([2.0, 1.5, 1.5, 1.7, 1.6, 1.2], [1.0, 3.0, 2.0, 1.0], [1.0, 0.5, 0.7, 0.6]):
        saved = [e.saved for e in fit_with_losses(subject, losses).epochs]
        assert saved == lessons_rule(losses), f"losses {losses} saved {saved}; the lesson saves {lessons_rule(losses)}"


@check("fit")
def the_weights_kept_are_those_of_the_best_epoch(subject: Subject) -> None:
    """What is kept is a copy of the weights as they were after the last saved epoch, not the weights of the end."""
    fitted = fit_with_losses(subject, [2.0, 1.0, 3.0, 4.0])
    best = fitted.epochs[1]
    assert fitted.training.best == best, f"the best epoch is said to be {fitted.training.best}, but it is the second"
    kept = subject.weights_digest(fitted.training.best_weights)
    ends = [e.epoch for e in fitted.epochs if e.weights_sha256 == kept]
    assert ends == [2], f"the weights kept are those after epochs {ends}; the best epoch is 2"


@check("fit")
def a_resumed_run_ends_as_one_that_never_stopped(subject: Subject) -> None:
    """From the state after any epoch, fit goes on to the same losses, savings, weights and best weights."""
    recipe = RECIPE.with_changes({"learning_rate": 0.3})  # high, so that the best epoch is not always the last
    whole = watched_fit(subject, recipe)
    for after in (1, 2):
        resumed = watched_fit(subject, recipe, resume=whole.states[after - 1])
        assert figures(resumed.epochs) == figures(whole.epochs), (
            f"resumed after epoch {after}, a run gives {figures(resumed.epochs)[after:]}, "
            f"uninterrupted it gives {figures(whole.epochs)[after:]}"
        )
        ours, theirs = (subject.weights_digest(f.training.best_weights) for f in (resumed, whole))
        assert ours == theirs, f"resumed after epoch {after}, a run keeps other best weights"


@check("fit")
def a_resumed_run_remembers_the_best_so_far(subject: Subject) -> None:
    """After resuming, an epoch worse than the best before the stop is not saved, and its weights are still kept."""
    state = fit_with_losses(subject, [1.0]).states[0]
    resumed = fit_with_losses(subject, [2.0], resume=state)
    assert not resumed.epochs[-1].saved, "after resuming, a worse epoch was saved: the best loss is forgotten"
    kept = subject.weights_digest(resumed.training.best_weights)
    assert kept == resumed.epochs[0].weights_sha256, "after resuming, the best weights before the stop are lost"


@check("fit")
def a_resumed_run_remembers_the_optimizer(subject: Subject) -> None:
    """The optimizer's state goes into the state of a run and comes back from it."""
    state = copied(plain_fit(subject).states[1])
    state["optimizer"]["param_groups"][0]["momentum"] = 0.5
    resumed = watched_fit(subject, resume=state)
    assert resumed.training.optimizer.param_groups[0]["momentum"] == 0.5, "the state of the optimizer was not loaded"


@check("fit")
def global_random_state_is_left_alone(subject: Subject) -> None:
    """A run neither depends on the global random state before it nor changes it."""
    expected = figures(plain_fit(subject).epochs)
    torch.manual_seed(987654321)
    before = torch.get_rng_state()
    assert figures(watched_fit(subject).epochs) == expected, "the global random state before a run changes its result"
    assert torch.equal(torch.get_rng_state(), before), "fit left the global random state changed"


@check("fit")
def channels_last_is_close(subject: Subject) -> None:
    """In channels_last the losses of a short run are those of the exact run within 1e-4."""
    exact, fast = plain_fit(subject).epochs, watched_fit(subject, memory_format="channels_last").epochs
    worst = max(
        abs(a.train_loss - b.train_loss) + abs(a.valid_loss - b.valid_loss) for a, b in zip(exact, fast, strict=True)
    )
    assert worst < 1e-4, f"in channels_last losses differ by up to {worst:.3g}"
