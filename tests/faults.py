"""Faults that people really make in such code, and harmless changes, each as a change of the core's own text.

A fault names the check that must find it. Sources of the kinds: the mutation operators of DeepCrime (N. Humbatova,
G. Jahangirova, P. Tonella, ISSTA 2021), by their abbreviations; "A Recipe for Training Neural Networks" (A. Karpathy,
2019); and the traps of the lesson itself.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Change:
    """Replaces `old`, which must be there once, by `new` in a module of the core. killed_by: a check's name."""

    name: str
    module: str
    old: str
    new: str
    source: str = ""
    killed_by: str = ""

    @property
    def changes(self) -> dict[str, tuple[tuple[str, str], ...]]:
        """The form that `subject.variant` takes."""
        return {self.module: ((self.old, self.new),)}


TRAIN, DATA, MODEL, EVALUATE, PIXELS, WEIGHTS = "training", "data", "model", "evaluation", "transforms", "checkpoint"
CHOSEN = "yield scale(images.contiguous(memory_format=memory_format)), data.labels[chosen]"
SGD = "torch.optim.SGD(network.parameters(), **common)"
TRAIN_PASS = 'train_losses = train_epoch(network, passes("training", data, order, recipe.augmentation), optimizer)'
HELD_OUT = "_validation_images(recipe, data, valid_idx, test)"
ORDER = "order = train_idx[torch.randperm(len(train_idx), generator=training.order)]"
LOSS = "loss = F.cross_entropy(network(images), labels)"
SAVED = "saved = not recipe.tests_best or valid is None or valid.loss <= training.lowest"
SPLIT = (
    "return torch.tensor(indices[held_out:], dtype=torch.int64), torch.tensor(indices[:held_out], dtype=torch.int64)"
)
FLATTEN = "x = x.flatten(1)  # (B, 1024): channel by channel, in either memory format"
LAST_LINE = "        self.dropout = nn.Dropout(dropout)\n\n"  # of Net.__init__
STEP = "optimizer.step()"
DIGEST = 'header = (name, str(tensor.dtype), ",".join(map(str, tensor.shape)))'

EVALUATED = """torch.inference_mode():
        for images, labels in batches:
            logits = network(images)  # (B, 10)
            losses.append(F.cross_entropy(logits, labels))
"""
TRAINED = """torch.enable_grad():
        for images, labels in batches:
            logits = network(images)
            losses.append(F.cross_entropy(logits, labels))
            losses[-1].backward(); torch.optim.SGD(network.parameters(), lr=0.01).step()
"""

FAULTS = (
    # DeepCrime: training data
    Change("labels of one class changed", DATA, CHOSEN, CHOSEN + ".clamp(max=8)", "TCL", "batches_give_each_image_its_own_pixels_and_label"),
    Change("a part of the training data removed", TRAIN, TRAIN_PASS, TRAIN_PASS.replace("order,", "order[:10],"), "TRD", "training_sees_each_training_image_once_an_epoch"),
    Change("one training image in place of others", TRAIN, ORDER, ORDER + "; order[:5] = order[5]", "TUD", "training_sees_each_training_image_once_an_epoch"),
    Change("noise added to the images", PIXELS, ".div_(0.5)\n", ".div_(0.5).add_(0.01 * torch.rand(1, generator=torch.Generator().manual_seed(0)))\n", "TAN", "normalisation_equals_torchvision"),
    Change("two classes made to overlap", DATA, CHOSEN, CHOSEN.replace("data.labels[chosen]", "torch.where(data.labels[chosen] == 3, 5, data.labels[chosen])"), "TCO", "batches_give_each_image_its_own_pixels_and_label"),
    # DeepCrime: hyperparameters
    Change("another batch size", TRAIN, "made = batches(images, indices, recipe.batch_size,", "made = batches(images, indices, 2 * recipe.batch_size,", "HBS", "training_sees_each_training_image_once_an_epoch"),
    Change("another learning rate", TRAIN, SGD, SGD.replace("**common", "**{**common, 'lr': recipe.learning_rate / 10}"), "HLR", "a_run_is_the_lessons"),
    Change("another number of epochs", TRAIN, "recipe.epochs + 1)", "recipe.epochs)", "HNE", "all_epochs_of_the_recipe_are_run"),
    Change("no batches", TRAIN, "made = batches(images, indices, recipe.batch_size,", "made = batches(images, indices, len(indices),", "HDB", "training_sees_each_training_image_once_an_epoch"),
    # DeepCrime: activations, weights, regularisation
    Change("another activation", MODEL, "x = F.relu(self.fc1(x))  # (B, 500)", "x = F.elu(self.fc1(x))", "ACH", "forward_is_the_lessons"),
    Change("an activation removed", MODEL, "x = F.relu(self.fc1(x))  # (B, 500)", "x = self.fc1(x)", "ARM", "forward_is_the_lessons"),
    Change("an activation added", MODEL, "x = self.fc2(x)", "x = F.relu(self.fc2(x))", "AAL", "forward_is_the_lessons"),
    Change("weight decay added", TRAIN, SGD, SGD.replace("**common", "weight_decay=1e-3, **common"), "RAW", "a_run_is_the_lessons"),
    Change("another dropout rate", MODEL, LAST_LINE, LAST_LINE.replace("(dropout)", "(dropout / 2)"), "RCD", "dropout_is_the_lessons"),
    Change("patience: training stops when validation does not improve", TRAIN, "                after_epoch(result, training.state(device))\n", "                after_epoch(result, training.state(device))\n            if not saved: break\n", "RCP", "all_epochs_of_the_recipe_are_run"),
    Change("another initialisation", MODEL, LAST_LINE, LAST_LINE + "        nn.init.kaiming_normal_(self.fc1.weight)\n", "WCI", "initial_weights_are_the_lessons"),
    Change("a bias removed", MODEL, "self.fc2 = nn.Linear(500, 10)", "self.fc2 = nn.Linear(500, 10, bias=False)", "WRB", "parameters_are_the_lessons"),
    # DeepCrime: loss, optimiser, validation
    Change("another loss", TRAIN, LOSS, "loss = F.multi_margin_loss(network(images), labels)", "LCH", "each_step_is_a_step_of_sgd_on_the_mean_loss"),
    Change("another optimiser", TRAIN, SGD, "torch.optim.Adam(network.parameters(), lr=recipe.learning_rate)", "OCH", "a_run_is_the_lessons"),
    Change("momentum added", TRAIN, SGD, SGD.replace("**common", "**{**common, 'momentum': 0.9}"), "OCH", "a_run_is_the_lessons"),
    Change("gradients clipped", TRAIN, STEP, "nn.utils.clip_grad_norm_(network.parameters(), 0.1); optimizer.step()", "OCG", "each_step_is_a_step_of_sgd_on_the_mean_loss"),
    Change("no validation set: validated on training images", TRAIN, HELD_OUT, HELD_OUT.replace("valid_idx", "train_idx"), "VRM", "validation_sees_the_validation_images_in_order"),
    # Karpathy
    Change("no dropout at all", MODEL, LAST_LINE, LAST_LINE.replace("(dropout)", "(0.0)"), "Karpathy", "dropout_is_on_in_training_mode"),
    Change("trained in evaluation mode", TRAIN, "with mode(network, training=True)", "with mode(network, training=False)", "Karpathy", "training_turns_dropout_on"),
    Change("evaluated in training mode", EVALUATE, "with mode(network, training=False)", "with mode(network, training=True)", "Karpathy", "evaluation_turns_dropout_off"),
    Change("gradients not cleared", TRAIN, "optimizer.zero_grad()", "pass", "Karpathy", "each_step_is_a_step_of_sgd_on_the_mean_loss"),
    Change("softmax before the cross-entropy", MODEL, "x = self.fc2(x)", "x = self.fc2(x).softmax(1)", "Karpathy", "outputs_are_scores_for_ten_classes"),
    Change("view in place of permute: batch and features mixed", MODEL, FLATTEN, "x = x.permute(1, 0, 2, 3).reshape(len(x), -1)", "Karpathy", "logits_depend_on_their_own_image_alone"),
    Change("the step left out: nothing can be overfitted", TRAIN, STEP, "pass", "Karpathy", "one_batch_can_be_overfitted"),
    Change("the last layer starts far too large", MODEL, LAST_LINE, LAST_LINE + "        self.fc2.weight.data.mul_(30)\n", "Karpathy", "initial_loss_is_near_ln_10"),
    Change("a part cut off from the gradient", MODEL, "pool_relu(self.conv2(x), self.pool)  # (B, 32, 8, 8)", "pool_relu(self.conv2(x), self.pool).detach()", "Karpathy", "a_gradient_reaches_every_parameter"),
    # The lesson's own traps: data
    Change("channels_last flattened in the order of memory", MODEL, FLATTEN, "x = x.flatten(1) if x.is_contiguous() else x.permute(0, 2, 3, 1).flatten(1)", "Karpathy", "channels_last_is_close"),
    Change("dropout by its function, which is on in evaluation too", MODEL, "x = F.relu(self.fc1(x))  # (B, 500)\n        x = self.dropout(x)", "x = F.dropout(F.relu(self.fc1(x)), self.dropout.p)", "Karpathy", "dropout_is_off_in_evaluation_mode"),
    Change("trained on the images of the evaluation", EVALUATE, EVALUATED, TRAINED, "lesson", "evaluation_learns_nothing"),
    Change("validation images trained on", DATA, SPLIT, SPLIT.replace("indices[held_out:]", "indices"), "lesson", "split_is_disjoint_and_complete"),
    Change("the split is one short", DATA, "int(np.floor(valid_fraction * n))", "int(np.ceil(valid_fraction * n))", "lesson", "split_sizes_are_the_floor"),
    Change("training and validation swapped", DATA, SPLIT, SPLIT.replace("[held_out:]", "[:-held_out or None]").replace("[:held_out]", "[len(indices) - held_out:]"), "lesson", "split_equals_the_lessons_lines"),
    Change("the split ignores its seed", DATA, "np.random.RandomState(seed)", "np.random.RandomState(0)", "lesson", "split_depends_on_its_seed_alone"),
    Change("the split shuffles by the global generator", DATA, "np.random.RandomState(seed).shuffle(indices)", "np.random.seed(seed); np.random.shuffle(indices)", "lesson", "split_depends_on_its_seed_alone"),
    Change("normalised twice", PIXELS, ".div_(0.5)\n", ".div_(0.5).sub_(0.5).div_(0.5)\n", "lesson", "normalisation_equals_torchvision"),
    Change("not normalised", PIXELS, ".sub_(0.5).div_(0.5)\n", "\n", "lesson", "normalisation_equals_torchvision"),
    Change("blue, green, red", DATA, CHOSEN, CHOSEN.replace("images.contiguous", "images.flip(1).contiguous"), "lesson", "batches_give_each_image_its_own_pixels_and_label"),
    Change("images turned on their side", DATA, CHOSEN, CHOSEN.replace("images.contiguous", "images.transpose(2, 3).contiguous"), "lesson", "batches_give_each_image_its_own_pixels_and_label"),
    Change("labels of the neighbours", DATA, CHOSEN, CHOSEN + ".roll(1)", "lesson", "batches_give_each_image_its_own_pixels_and_label"),
    Change("the last, smaller batch dropped", DATA, ".split(batch_size):", ".split(batch_size)[: max(1, len(indices) // batch_size)]:", "lesson", "batches_hold_the_chosen_images_in_order"),
    Change("images flipped the wrong way", PIXELS, "draws[:, 0] < 0", "draws[:, 0] > 0", "lesson", "augmentation_is_torchvisions"),
    Change("images turned the wrong way", PIXELS, "torch.deg2rad(degrees % 360).neg_()", "torch.deg2rad(degrees % 360)", "lesson", "augmentation_is_torchvisions"),
    # The lesson's own traps: epochs and order
    Change("the order is not drawn anew", TRAIN, ORDER, ORDER.replace("training.order", "seeding.order_generator(seeds.order)"), "lesson", "the_order_is_a_new_permutation_each_epoch"),
    Change("no order: the images as they come", TRAIN, ORDER, "order = train_idx", "lesson", "the_order_is_a_new_permutation_each_epoch"),
    Change("the order seed is ignored", TRAIN, "seeding.order_generator(seeds.order))", "seeding.order_generator(0))", "lesson", "each_seed_drives_its_own_source_alone"),
    Change("the dropout seed is ignored", TRAIN, "seeding.seed_global(seeds.dropout, device)", "seeding.seed_global(0, device)", "lesson", "each_seed_drives_its_own_source_alone"),
    Change("the init seed is used for dropout", TRAIN, "seeding.seed_global(seeds.dropout, device)", "seeding.seed_global(seeds.init, device)", "lesson", "each_seed_drives_its_own_source_alone"),
    Change("order and dropout share a generator", TRAIN, ORDER, ORDER.replace(", generator=training.order", ""), "lesson", "each_seed_drives_its_own_source_alone"),
    Change("the split uses the order seed", TRAIN, "split_indices(n, recipe.valid_fraction, seeds.split)", "split_indices(n, recipe.valid_fraction, seeds.order)", "lesson", "each_seed_drives_its_own_source_alone"),
    Change("random state leaks out of a run", TRAIN, "    with seeding.isolated(device):\n        training = begin(", "    if True:\n        training = begin(", "lesson", "global_random_state_is_left_alone"),
    Change("what follows an epoch shifts the next one's dropout", TRAIN, "            with seeding.isolated(device):  #", "            if True:  #", "lesson", "what_follows_an_epoch_cannot_disturb_the_next"),
    # The lesson's own traps: losses and counts
    Change("the mean of the batches' means", EVALUATE, "return total / sum(self.sizes)", "return sum(self.losses) / len(self.losses)", "lesson", "training_loss_is_the_mean_over_images"),
    Change("losses not multiplied by the batch size", EVALUATE, "total += loss * size", "total += loss", "lesson", "evaluation_loss_is_the_mean_over_images"),
    Change("counts of the first images of each batch only", EVALUATE, "            true.append(labels)\n", "            true.append(labels[:8]); predicted[-1] = predicted[-1][:8]\n", "lesson", "evaluation_counts_every_image_once"),
    Change("rows and columns of the confusion swapped", EVALUATE, "all_true * n + all_predicted", "all_predicted * n + all_true", "lesson", "evaluation_counts_every_image_once"),
    Change("the least likely class is predicted", EVALUATE, "logits.argmax(1)", "logits.argmin(1)", "lesson", "evaluation_counts_every_image_once"),
    Change("a loss that is no number goes through", EVALUATE, "if not all(finite):", "if False:", "lesson", "a_loss_that_is_no_number_is_an_error"),
    Change("the loss of all steps but the first", TRAIN, "return StepLosses.collect(losses, sizes,", "return StepLosses.collect(losses[1:], sizes[1:],", "lesson", "training_loss_is_the_mean_over_images"),
    Change("evaluation leaves the network in evaluation mode", EVALUATE, "            module.training = was", "            pass", "lesson", "modes_are_restored"),
    Change("two steps a batch", TRAIN, STEP, "optimizer.step(); optimizer.step()", "lesson", "one_optimizer_step_a_batch"),
    # The lesson's own traps: checkpoints
    Change("a tie does not save", TRAIN, SAVED, SAVED.replace("<=", "<"), "lesson", "weights_are_saved_when_the_loss_is_no_higher"),
    Change("the highest loss is saved", TRAIN, SAVED, SAVED.replace("<=", ">="), "lesson", "weights_are_saved_when_the_loss_is_no_higher"),
    Change("every epoch is saved", TRAIN, SAVED, "saved = True", "lesson", "weights_are_saved_when_the_loss_is_no_higher"),
    Change("compared with the epoch before, not with the best", TRAIN, SAVED, SAVED.replace("training.lowest", "(training.epochs[-1].valid_loss if training.epochs else math.inf)"), "lesson", "weights_are_saved_when_the_loss_is_no_higher"),
    Change("saved by the training loss", TRAIN, SAVED, SAVED.replace("valid.loss <= training.lowest", "train_losses.mean <= min((e.train_loss for e in training.epochs), default=math.inf)"), "lesson", "weights_are_saved_when_the_loss_is_no_higher"),
    Change("the last weights are kept, not the best", TRAIN, "            if saved:\n", "            if True:\n", "lesson", "the_weights_kept_are_those_of_the_best_epoch"),
    Change("the best weights are live, not a copy", TRAIN, "training.best_weights = weights\n", "training.best_weights = network.state_dict()\n", "lesson", "the_weights_kept_are_those_of_the_best_epoch"),
    Change("resuming forgets the order's generator", TRAIN, '        self.order.set_state(state["order"])\n', "", "lesson", "a_resumed_run_ends_as_one_that_never_stopped"),
    Change("resuming forgets the global generator", TRAIN, '        seeding.set_global_state(state["global"], device)\n', "", "lesson", "a_resumed_run_ends_as_one_that_never_stopped"),
    Change("resuming forgets the optimizer", TRAIN, '        self.optimizer.load_state_dict(state["optimizer"])\n', "", "lesson", "a_resumed_run_remembers_the_optimizer"),
    Change("resuming forgets the best loss", TRAIN, SAVED, SAVED.replace("training.lowest", '(math.inf if resume and len(training.epochs) == len(resume["epochs"]) else training.lowest)'), "lesson", "a_resumed_run_remembers_the_best_so_far"),
    Change("resuming forgets the best weights", TRAIN, '        self.best_weights = state["best_weights"]\n', "", "lesson", "a_resumed_run_remembers_the_best_so_far"),
    Change("the digest ignores names", WEIGHTS, DIGEST, DIGEST.replace("(name, ", "("), "lesson", "the_digest_tells_everything_apart"),
    Change("the digest ignores order", WEIGHTS, "in state_dict.items():\n        plain", "in sorted(state_dict.items()):\n        plain", "lesson", "the_digest_tells_everything_apart"),
    Change("the digest ignores shapes", WEIGHTS, DIGEST, "header = (name, str(tensor.dtype), \"\")", "lesson", "the_digest_tells_everything_apart"),
    Change("the digest rounds", WEIGHTS, "plain = tensor.detach().cpu().contiguous()", "plain = tensor.detach().cpu().contiguous().float().half()", "lesson", "the_digest_tells_everything_apart"),
    Change("the digest takes the bytes in the machine's other order", WEIGHTS, 'newbyteorder("<")', 'newbyteorder(">")', "lesson", "the_digest_is_the_documented_one"),
    # The other recipes
    Change("momentum forgotten", TRAIN, '"momentum": recipe.momentum', '"momentum": 0.0', "recipes", "a_run_of_pytorch_blitz_is_the_tutorials"),
    Change("decay forgotten", TRAIN, 'group["steps"] += 1', "pass", "recipes", "rmsprop_and_its_decay_are_keras"),
    Change("the decay is a step ahead", TRAIN, 'group["steps"] = 0', 'group["steps"] = 1', "recipes", "rmsprop_and_its_decay_are_keras"),
    Change("torch's own rho, not Keras'", TRAIN, "alpha=0.9", "alpha=0.99", "recipes", "rmsprop_and_its_decay_are_keras"),
    Change("torch's own epsilon, not Keras'", TRAIN, "eps=1e-7", "eps=1e-8", "recipes", "rmsprop_and_its_decay_are_keras"),
    Change("validated on training images in place of the test images", TRAIN, "return test, torch.arange(len(test))", "return data, torch.arange(len(test))", "recipes", "validation_on_the_test_images_sees_them_alone"),
    Change("weights chosen on the test images", TRAIN, SAVED, SAVED.replace("not recipe.tests_best or ", ""), "recipes", "weights_are_not_chosen_on_the_test_images"),
    Change("images shifted the wrong way", PIXELS, "= 2 * down / (height - 1)", "= -2 * down / (height - 1)", "recipes", "shifts_and_flips_are_keras"),
    Change("black beyond the edge of a shifted image", PIXELS, 'padding_mode="border"', 'padding_mode="zeros"', "recipes", "shifts_and_flips_are_keras"),
    Change("shifts by whole pixels", PIXELS, "down, across = 0.1 * draws[0] * images.shape[2], 0.1 * draws[1] * images.shape[3]", "down, across = (0.1 * draws[:2] * images.shape[2]).round()", "recipes", "shifts_and_flips_are_keras"),
    # The arithmetic of volumes
    Change("padding on one side only", "shapes", "(size - span + 2 * padding)", "(size - span + padding)", "lesson", "output_sizes_are_torchs"),
    Change("dilation forgotten", "shapes", "span = dilation * (kernel_size - 1) + 1", "span = kernel_size", "lesson", "output_sizes_are_torchs"),
    Change("the plus one forgotten", "shapes", "// stride + 1", "// stride", "lesson", "volumes_are_what_the_layers_return"),
)  # fmt: skip

HARMLESS = (
    Change("the optimizer in its multi-tensor form", TRAIN, SGD, SGD.replace("**common", "foreach=True, **common")),
    Change("the lesson's own way to pool: relu first, contiguous", MODEL, "    contiguous = x.is_contiguous()\n", "    return pool(F.relu(x))\n"),
    Change("gradients cleared by zeros", TRAIN, "optimizer.zero_grad()", "optimizer.zero_grad(set_to_none=False)"),
    Change("cross-entropy in two steps", TRAIN, LOSS, "loss = F.nll_loss(F.log_softmax(network(images), 1), labels)"),
    Change("normalised through a table", PIXELS, "return to_unit(images).sub_(0.5).div_(0.5)", "table = (torch.arange(256) / torch.tensor(255.0) - 0.5) / 0.5\n    return torch.empty_like(images, dtype=torch.float32).copy_(table[images.long()])"),
    Change("normalised by another formula that is equal", PIXELS, ".sub_(0.5).div_(0.5)", ".mul_(2.0).sub_(1.0)"),
    Change("a module in place of the function", MODEL, "x = F.relu(self.fc1(x))  # (B, 500)", "x = nn.ReLU()(self.fc1(x))"),
    Change("view in place of flatten", MODEL, FLATTEN, "x = x.reshape(-1, 64 * 4 * 4)"),
    Change("the largest logit by max", EVALUATE, "logits.argmax(1)", "logits.max(1).indices"),
    Change("no_grad in place of inference_mode", EVALUATE, "torch.inference_mode()", "torch.no_grad()"),
    Change("indices by list in place of slices", DATA, "indices[:held_out], dtype", "[indices[i] for i in range(held_out)], dtype"),
    Change("the epochs counted by while", TRAIN, "for epoch in range(len(training.epochs) + 1, recipe.epochs + 1):", "while (epoch := len(training.epochs) + 1) <= recipe.epochs:"),
    Change("a last bit in channels_last, where only closeness is claimed", MODEL, "if contiguous else x\n", "if contiguous else x * (1 + 2**-23)\n"),
)  # fmt: skip
