"""Rules on steps: modes, gradients, the optimizer, the loss."""

from collections import Counter

from cifar_repro.audits.judge.finding import Finding, count, not_seen, right, unusual, wrong
from cifar_repro.audits.story import Pass, Story

NO_TRAINING = not_seen("no training was seen")


def _training(story: Story) -> list[Pass]:
    return [p for loop in story.training for p in loop.passes if p.order]


def modes(story: Story) -> Finding:
    if not story.training:
        return NO_TRAINING
    passes = _training(story)
    evaluating = [p for loop in story.evaluations for p in loop.passes]
    if not any(p.call.minding for p in [*passes, *evaluating]):
        return right(
            "the network has no layer that behaves otherwise in evaluation (no dropout, no batch normalisation)"
        )
    still = [p for p in passes if p.call.minding and not p.call.active]
    if still:
        first = next(k for k, loop in enumerate(story.training, 1) if still[0] in loop.passes)
        since = "" if first == 1 else f", from epoch {first} on"
        return wrong(
            f"{len(still)} of {count(len(passes), 'training batch')} run in evaluation mode{since}: dropout and batch "
            "normalisation are off. Call train() before each epoch",
            still[0].call.at,
        )
    noisy = [p for p in evaluating if p.call.active]
    if noisy:
        tests = sum(any(i is not None and i < 0 for i in p.call.images) for p in noisy)
        which = "test" if tests == len(noisy) else "validation" if not tests else "validation and test"
        if not noisy[0].call.training:
            return wrong(
                f"in {count(len(noisy), f'{which} batch')} dropout or batch normalisation is on although the network "
                "is in evaluation mode: a function such as F.dropout must be told (training=self.training)",
                noisy[0].call.at,
            )
        return wrong(
            f"{count(len(noisy), f'{which} batch')} run in training mode: dropout and batch normalisation are on. Call "
            "eval() before, and train() again after",
            noisy[0].call.at,
        )
    if not evaluating:
        return right(f"{count(len(passes), 'batch')} in training mode; there was no evaluation")
    return right(
        f"{count(len(passes), 'batch')} in training mode, {count(len(evaluating), 'batch')} in evaluation mode"
    )


def _accumulates(story: Story) -> bool:
    """Steps are fewer than batches: gradients are gathered over several batches."""
    passes = _training(story)
    return sum(len(p.steps) for p in passes) <= 0.67 * len(passes)


def gradients_are_cleared(story: Story) -> Finding:
    passes = _training(story)
    backwards = sum(len(p.backwards) for p in passes)
    if not backwards:
        return NO_TRAINING
    dirty = None
    stepped = False
    stale = 0
    for p in passes:
        for sign in p.order:
            if sign == "s":
                stepped = True
                continue
            backward = p.backwards[0]
            if stepped and any(b.stale for b in p.backwards):
                stale += 1
                dirty = dirty or backward
            stepped = False
    if dirty:
        return wrong(
            f"in {stale} of {count(backwards, 'backward pass')} the gradients of the step before are still there, and "
            "add up: call optimizer.zero_grad() for each batch",
            dirty.at,
        )
    empty = [s for p in passes for s in p.steps if not s.gradients]
    if len(empty) > 0.2 * len(passes):
        return wrong(
            f"{len(empty)} of {count(len(passes), 'step')} are made with no gradients: they are cleared, or not yet "
            "computed, when step() is called. The order is zero_grad(), backward(), step()",
            empty[0].at,
        )
    if _accumulates(story):
        return right("gradients are cleared after each step")
    return right(f"before each of {count(backwards, 'backward pass')} the gradients were zero")


def one_step(story: Story) -> Finding:
    passes = _training(story)
    if not passes:
        return NO_TRAINING
    steps = sum(len(p.steps) for p in passes)
    if not steps:
        return wrong(
            f"gradients of {count(len(passes), 'batch')} are computed, and no step is made", passes[0].backwards[0].at
        )
    several = [p for p in passes if len(p.steps) > 1]
    if several and len(story.optimizers) <= 1:
        return wrong(
            f"{several[0].order.count('s')} steps are made for one batch, {len(several)} times", several[0].steps[1].at
        )
    early = [p for p in passes if p.order.startswith("sb")]
    if early:
        return wrong(
            f"in {count(len(early), 'batch')} the step comes before the gradients it needs are there: it uses those of "
            "the batch before, or none",
            early[0].steps[0].at,
        )
    if steps < len(passes):
        each = len(passes) / steps
        if steps <= len(story.training):
            return wrong(
                f"{count(steps, 'step')} for {count(len(passes), 'batch')}, one an epoch: step() is after the loop",
                next(p.steps[0].at for p in passes if p.steps),
            )
        if each < 1.5:
            return wrong(f"{len(passes) - steps} of {count(len(passes), 'batch')} get no step", passes[0].call.at)
        return unusual(
            f"a step every {each:.3g} batches: gradients are gathered over several batches", passes[0].backwards[0].at
        )
    return right(f"{count(steps, 'step')} for {count(len(passes), 'batch')}")


def optimizer_holds_the_network(story: Story) -> Finding:
    passes = [p for p in _training(story) if p.steps]
    if not passes:
        return NO_TRAINING
    used = {n for p in passes for n in p.networks}
    networks = [n for n in story.networks if n.network in used]
    held = {q for p in passes for s in p.steps if s.optimizer in story.optimizers
            for q in story.optimizers[s.optimizer].parameters}  # fmt: skip
    at = next(
        (story.optimizers[s.optimizer].at for p in passes for s in p.steps if s.optimizer in story.optimizers), []
    )
    if not held:
        return not_seen("the optimizer was not seen being made")
    for network in networks:
        own = {name: q for name, q in network.parameters.items() if name not in network.frozen}
        lacking = [name for name, q in own.items() if q not in held]
        if own and len(lacking) == len(own):
            return wrong(
                f"the optimizer holds none of the parameters of the network that is trained ({network.name}): was the "
                "network made anew after the optimizer?",
                at,
            )
        if lacking:
            return wrong(f"the optimizer lacks {_names(lacking)}: they are never trained", at)
    total = sum(len(n.parameters) for n in networks)
    return right(f"all {total} parameter tensors of {', '.join(n.name for n in networks)} are in the optimizer")


def _names(names: list[str]) -> str:
    shown = ", ".join(names[:4])
    return shown if len(names) <= 4 else f"{shown} and {len(names) - 4} more"


def all_parameters_change(story: Story) -> Finding:
    last = {u.network: u for u in story.unchanged}
    if not last:
        return NO_TRAINING
    networks = {n.network: n for n in story.networks}
    for found in last.values():
        network = networks[found.network]
        frozen = [name for name in found.names if name in network.frozen]
        still = [name for name in found.unreached if name not in network.frozen]
        idle = [name for name in found.names if name not in [*network.frozen, *still]]
        if len(found.names) == len(network.parameters):
            return wrong("no parameter changes in training: the network learns nothing", _first_step(story))
        if still:
            return wrong(
                f"{_names(still)} never change: is the layer used in forward(), and does a gradient reach it?",
                network.at,
            )
        if idle and not frozen:
            return unusual(
                f"{_names(idle)} do not change: their gradient is 0 (as that of a bias before batch normalisation)",
                network.at,
            )
        if frozen:
            return unusual(f"{_names(frozen)} are frozen (requires_grad=False) and do not learn", network.at)
    total = sum(len(networks[n].parameters) for n in last)
    return right(f"all {total} parameter tensors change")


def _first_step(story: Story) -> list[tuple[str, int]]:
    return next((p.steps[0].at for p in _training(story) if p.steps), [])


def loss_fits(story: Story) -> Finding:
    losses = [loss for p in _training(story) for loss in p.losses]
    if not losses:
        return not_seen("no loss function of torch was called in training")
    loss = losses[0]
    common = Counter(each.found for each in losses).most_common(1)[0][0]
    at = loss.at
    if loss.function == "cross_entropy":
        if common == "probabilities":
            return wrong(
                "cross_entropy is given probabilities, but it takes raw outputs and applies softmax itself: leave the "
                "softmax out, or the network learns very slowly",
                at,
            )
        if common == "log-probabilities":
            return unusual(
                "cross_entropy is given log_softmax outputs: it does that itself, so once more changes nothing", at
            )
        if common == "rectified":
            return unusual(
                "the outputs have been through a relu before cross_entropy: none can be below 0, which slows learning",
                at,
            )
    if loss.function == "nll_loss" and common != "log-probabilities":
        what = (
            "probabilities: use log_softmax, not softmax"
            if common == "probabilities"
            else "raw outputs: apply log_softmax first"
        )
        return wrong(f"nll_loss takes log-probabilities, but is given {what}", at)
    if loss.function in ("cross_entropy", "nll_loss") and loss.outputs > 10:
        return unusual(f"the network has {loss.outputs} outputs for 10 classes", at)
    if loss.function not in ("cross_entropy", "nll_loss"):
        return unusual(f"the loss is {loss.function}, which works, but cross-entropy suits classes better", at)
    return right(f"{loss.function} is given {'log-probabilities' if common == 'log-probabilities' else 'raw outputs'}")


def evaluation_without_gradients(story: Story) -> Finding:
    passes = [p for loop in story.evaluations for p in loop.passes]
    if not passes:
        return not_seen("no evaluation was seen")
    kept = [p for p in passes if p.call.grad]
    if kept:
        return unusual(
            f"{len(kept)} of {count(len(passes), 'evaluation batch')} keep what gradients would need, as in the "
            "lesson: right, but 'with torch.no_grad():' takes less time and memory",
            kept[0].call.at,
        )
    return right(f"{count(len(passes), 'evaluation batch')} without gradients")
