"""The rules: each takes the story of a program and says what it finds.

`RULES` names them in the order in which they are reported. Start with `images.py`.
"""

from collections.abc import Callable

import msgspec

from cifar_repro.audits.judge import counts, images, losses, steps, weights
from cifar_repro.audits.judge.finding import Finding
from cifar_repro.audits.story import Story

RULES: dict[str, Callable[[Story], Finding]] = {
    "training and validation images are apart": images.split_is_disjoint,
    "test images are held back": images.test_images_are_held_back,
    "each training image once an epoch": images.each_image_once,
    "training images are shuffled anew": images.reshuffled,
    "labels stay with their images": images.labels_are_kept,
    "the same numbers for the same pixels": images.same_numbers,
    "augmentation on training images only": images.augmentation,
    "training mode and evaluation mode": steps.modes,
    "gradients are cleared": steps.gradients_are_cleared,
    "one step a batch": steps.one_step,
    "the optimizer holds the network": steps.optimizer_holds_the_network,
    "all parameters learn": steps.all_parameters_change,
    "the loss fits the output": steps.loss_fits,
    "evaluation without gradients": steps.evaluation_without_gradients,
    "printed losses are means": losses.printed_losses,
    "saved when it got better": weights.saved_on_improvement,
    "the weights tested are those saved": weights.tested_are_saved,
    "each test image is counted once": images.each_test_image_once,
    "printed counts are as counted": counts.printed_counts,
}


def judge(story: Story) -> list[Finding]:
    """What each rule says."""
    return [msgspec.structs.replace(rule(story), rule=name) for name, rule in RULES.items()]
