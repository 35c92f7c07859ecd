"""Rules on steps: modes, gradients, the optimizer, the loss."""

from collections import Counter

from cifar_repro.audits.judge.finding import Finding, count, not_seen, right, unusual, wrong
from cifar_repro.audits.story import Pass, Story

NO_TRAINING = not_seen("no training was seen")


def _training(story: Story) -> list[Pass]:
    """What is trained on; without the last batch of a program that was stopped, which may be half done."""
    passes = [p for loop in story.training for p in loop.passes if p.order]
    return passes[:-1] if story.timed_out and len(passes) > 1 else passes


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
        kind = "test" if tests == len(noisy) else "validation" if not tests else "validation and test"
        batches = count(len(noisy), f"{kind} batch")
        if noisy[0].call.training:
            says = f"{batches} run in training mode: dropout and batch normalisation are on. Call eval() before, and "
            return wrong(says + "train() again after", noisy[0].call.at)
        return wrong(
            f"in {batches} dropout or batch normalisation is on although the network is in evaluation mode: a function "
            "such as F.dropout must be told (training=self.training)",
            noisy[0].call.at,
        )
    trained = f"{count(len(passes), 'batch')} in training mode"
    if not evaluating:
        return right(f"{trained}; there was no evaluation")
    return right(f"{trained}, {count(len(evaluating), 'batch')} in evaluation mode")


def gradients_are_cleared(story: Story) -> Finding:
    passes = _training(story)
    backwards = sum(len(p.backwards) for p in passes)
    if not backwards:
        return NO_TRAINING
    stale = []  # where gradients are computed after a step, and those of before are still there
    stepped = False
    for p in passes:
        for sign in p.order:
            if sign == "b" and stepped and any(b.stale for b in p.backwards):
                stale.append(p.backwards[0])
            stepped = sign == "s"
    if stale:
        return wrong(
            f"in {len(stale)} of {count(backwards, 'backward pass')} the gradients of the step before are still there, "
            "and add up: call optimizer.zero_grad() for each batch",
            stale[0].at,
        )
    steps = [step for p in passes for step in p.steps]
    empty = [step for step in steps if not step.gradients]
    if len(empty) > 0.2 * len(passes):
        return wrong(
            f"{len(empty)} of {count(len(passes), 'step')} are made with no gradients: they are cleared, or not yet "
            "computed, when step() is called. The order is zero_grad(), backward(), step()",
            empty[0].at,
        )
    if len(steps) <= 0.67 * len(passes):  # gradients are gathered over several batches
        return right("gradients are cleared after each step")
    return right(f"before each of {count(backwards, 'backward pass')} the gradients were zero")


def one_step(story: Story) -> Finding:
    passes = _training(story)
    if not passes:
        return NO_TRAINING
    batches = count(len(passes), "batch")
    steps = [step for p in passes for step in p.steps]
    if not steps:
        return wrong(f"gradients of {batches} are computed, and no step is made", passes[0].backwards[0].at)
    several = [p for p in passes if len(p.steps) > 1]
    if several and len(story.optimizers) <= 1:
        return wrong(
            f"{len(several[0].steps)} steps are made for one batch, {len(several)} times", several[0].steps[1].at
        )
    early = [p for p in passes if p.order.startswith("sb")]
    if early:
        return wrong(
            f"in {count(len(early), 'batch')} the step comes before the gradients it needs are there: it uses those of "
            "the batch before, or none",
            early[0].steps[0].at,
        )
    each = len(passes) / len(steps)
    if each <= 1:
        return right(f"{count(len(steps), 'step')} for {batches}")
    if len(steps) <= len(story.training):
        return wrong(f"{count(len(steps), 'step')} for {batches}, one an epoch: step() is after the loop", steps[0].at)
    if each < 1.5:
        return wrong(f"{len(passes) - len(steps)} of {batches} get no step", passes[0].call.at)
    return unusual(
        f"a step every {each:.3g} batches: gradients are gathered over several batches", passes[0].backwards[0].at
    )


def optimizer_holds_the_network(story: Story) -> Finding:
    passes = [p for p in _training(story) if p.steps]
    if not passes:
        return NO_TRAINING
    used = {n for p in passes for n in p.networks}
    networks = [n for n in story.networks if n.network in used]
    stepping = {s.optimizer for p in passes for s in p.steps}
    optimizers = [optimizer for n, optimizer in story.optimizers.items() if n in stepping]
    held = {q for optimizer in optimizers for q in optimizer.parameters}
    if not held:
        return not_seen("the optimizer was not seen being made")
    at = optimizers[0].at
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
            at = next((p.steps[0].at for p in _training(story) if p.steps), [])
            return wrong("no parameter changes in training: the network learns nothing", at)
        if still:
            says = f"{_names(still)} never change: is the layer used in forward(), and does a gradient reach it?"
            return wrong(says, network.at)
        if frozen:
            return unusual(f"{_names(frozen)} are frozen (requires_grad=False) and do not learn", network.at)
        if idle:
            says = f"{_names(idle)} do not change: their gradient is 0 (as that of a bias before batch normalisation)"
            return unusual(says, network.at)
    return right(f"all {sum(len(networks[n].parameters) for n in last)} parameter tensors change")


def loss_fits(story: Story) -> Finding:
    losses = [loss for p in _training(story) for loss in p.losses]
    if not losses:
        return not_seen("no loss function of torch was called in training")
    function, outputs, at = losses[0].function, losses[0].outputs, losses[0].at
    given = Counter(each.found for each in losses).most_common(1)[0][0]
    if function == "nll_loss" and given != "log-probabilities":
        what = "probabilities: use log_softmax, not softmax"
        raw = "raw outputs: apply log_softmax first"
        return wrong(f"nll_loss takes log-probabilities, but is given {what if given == 'probabilities' else raw}", at)
    if function not in ("cross_entropy", "nll_loss"):
        return unusual(f"the loss is {function}, which works, but cross-entropy suits classes better", at)
    if function == "cross_entropy" and given == "probabilities":
        return wrong(
            "cross_entropy is given probabilities, but it takes raw outputs and applies softmax itself: leave the "
            "softmax out, or the network learns very slowly",
            at,
        )
    if function == "cross_entropy" and given == "log-probabilities":
        return unusual(
            "cross_entropy is given log_softmax outputs: it does that itself, so once more changes nothing", at
        )
    if function == "cross_entropy" and given == "rectified":
        return unusual(
            "the outputs have been through a relu before cross_entropy: none can be below 0, which slows learning", at
        )
    if outputs > 10:
        return unusual(f"the network has {outputs} outputs for 10 classes", at)
    return right(f"{function} is given {'log-probabilities' if function == 'nll_loss' else 'raw outputs'}")


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
