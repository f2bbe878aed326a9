"""The training loop. It knows batches, scores and a run folder; what is learned is the task's."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from varlen.errors import CorruptRecordError, FeatureError
from varlen.train._batches import to_device
from varlen.train._checkpoint import Checkpoints
from varlen.train._clock import Clock
from varlen.train._dataset import Dataset
from varlen.train._interrupts import Stopped, deferred_interrupts
from varlen.train._learner import Learner
from varlen.train._nonfinite import NonFinite
from varlen.train._progress import EpochResult, Observer, Score, Tally
from varlen.train._ranks import ALONE, OtherRankError, Ranks
from varlen.train._run_folder import RunFolder
from varlen.train._standing import Standing
from varlen.train.tasks import Learnable
from varlen.train.tasks._fit import device_of

IsStopping = Callable[[], bool]


def fit(
    task: Learnable,
    data: Dataset,
    run: RunFolder,
    *,
    observer: Observer,
    resume: bool = False,
    ranks: Ranks = ALONE,
) -> Standing:
    """Trains `task.model` as its settings say; `run` then holds the weights of the best epoch.

    Ctrl-C, SIGTERM and SIGHUP end it between two steps with a checkpoint, from which `resume` goes
    on to the same weights, bit for bit, as if nothing had happened.

    Args:
        task: what there is to learn.
        data: has the splits train and valid.
        run: where weights, checkpoints and figures go.
        observer: is told how it goes.
        resume: begin with the last checkpoint of the run, if there is one.
        ranks: who learns together. All begin with the same weights, and a step of the optimizer
            has a group of batches from each.

    Returns:
        Where it stands at the end.

    Raises:
        KeyboardInterrupt: it was interrupted; a checkpoint is there.
        ConfigError: a loss or gradient was not finite; the batch is in the run folder, and a
            checkpoint of the step before it.
        CheckpointError: there are checkpoints, of which none can be used.
        CorruptRecordError, FeatureError: a record went bad since it was checked; a checkpoint is
            there.
        OtherRankError: another rank is gone.
        OSError: something could not be written.

    What else ends it before its first step is done takes the run folder with it, unless `resume`.
    """
    settings = task.settings.training
    with deferred_interrupts(only_first=ranks.num_ranks == 1) as is_stopping:
        learner = Learner(task.model, settings, ranks=ranks)
        checkpoints = Checkpoints(run.path / "checkpoints", settings, ranks)
        standing = checkpoints.load_last(learner, observer) if resume else Standing()
        if resume and standing.is_over(settings):
            observer.says("the training was over already")
        elif resume:
            observer.training_resumes(epoch=standing.epoch, step=standing.step)
        if ranks.is_first:
            _keep_rows(run, standing, observer)
        loop = _Loop(task, data, run, observer, learner, checkpoints, standing, ranks, is_stopping)
        try:
            while not standing.is_over(settings):
                loop.learn_epoch()
                loop.end_epoch()
                checkpoints.save(learner, standing)
                if standing.is_out_of_patience(settings):
                    observer.says(f"no better epoch for {settings.patience}: training ends early")
        except Stopped:
            checkpoints.save(learner, standing)
            if not standing.best_epoch:
                loop.save_model()
            ranks.wait()  # for the first, which writes, since `torchrun` ends all after one
            raise
        except (CorruptRecordError, FeatureError):
            # Data can be mended. The other ranks may not have come to where this one is.
            if ranks.num_ranks == 1:
                checkpoints.save(learner, standing)
            raise
        except OtherRankError as error:
            if not standing.step:
                raise
            hint = f"`varlen train --resume {run.path}` goes on where it was saved"
            raise OtherRankError(error.problem, hint=hint) from error
        except BaseException:
            if not (resume or standing.step) and ranks.is_first:
                run.take_back()
            raise
        ranks.wait()
    return standing


def _keep_rows(run: RunFolder, standing: Standing, observer: Observer) -> None:
    """Makes the lines of figures those of the epochs that are done, as far as they are there."""
    kept = run.keep_metrics(standing.rows)
    if kept < standing.rows:
        observer.says(f"of the figures of {standing.rows} epochs, {kept} are left; others follow")
        standing.rows = kept


def evaluate(
    task: Learnable,
    data: Dataset,
    split: str,
    *,
    ranks: Ranks = ALONE,
    is_stopping: IsStopping = lambda: False,
    advances: Callable[[Tally], None] = lambda tally: None,
) -> Tally:
    """One pass over a split without learning, shared by all ranks.

    Args:
        task: with the model.
        data: has the split.
        split: its name.
        ranks: who share it.
        is_stopping: whether to stop between two batches.
        advances: is told how it stands after each step.

    Raises:
        KeyboardInterrupt: `is_stopping` said so on some rank, between two batches.
    """
    whole, carried = Tally(), None
    task.model.eval()
    with torch.inference_mode():
        for batch in task.batches(data, split, epoch=0).for_rank(ranks.rank, ranks.num_ranks):
            score = score_batch(task, batch, carried)
            carried = score.carried
            reports = ranks.gather(_Report(Tally.of([score]), is_stopping=is_stopping()))
            for report in reports:
                whole.join(report.tally)
            advances(whole)
            if any(report.is_stopping for report in reports):
                raise Stopped
    return whole


class _Report(NamedTuple):
    """What a rank tells the others about its share of a step."""

    tally: Tally
    is_finite: bool = True
    is_stopping: bool = False
    is_due: bool = False  # a checkpoint


@dataclass(frozen=True)
class _Loop:
    task: Learnable
    data: Dataset
    run: RunFolder
    observer: Observer
    learner: Learner
    checkpoints: Checkpoints
    standing: Standing
    ranks: Ranks
    is_stopping: IsStopping
    clock: Clock = field(default_factory=Clock)

    def learn_epoch(self) -> None:
        """Learns what is left of the epoch."""
        standing, settings = self.standing, self.task.settings.training
        num_steps = self.task.num_steps(self.data, "train")
        nonfinite = NonFinite(
            settings.on_nonfinite,
            self.run.path,
            self.observer,
            self.ranks,
            cell=self.task.settings.model.cell,
        )
        num_epochs = settings.epochs if settings.steps is None else None
        self.observer.epoch_begins(standing.epoch, num_epochs=num_epochs, num_steps=num_steps)
        self.task.model.train()
        began = perf_counter() - standing.seconds
        self.clock.lap("saving", standing.stages)
        for group, position, waiting in self._groups():
            self.clock.lap("data", standing.stages)
            progress = standing.progress(settings, num_steps)
            scores = self._backward(group)
            reports = self.ranks.gather(self._report(scores, len(group)))
            total = sum(report.tally.total for report in reports)
            is_finite = all(report.is_finite for report in reports) and self.learner.step(
                total, progress=progress, num_before=standing.step
            )
            if is_finite:
                for report in reports:
                    standing.train.join(report.tally)
                standing.carried = scores[-1].carried
            else:
                self.learner.forget()
                if settings.on_nonfinite == "stop":  # with what was learned until then
                    self.checkpoints.save(self.learner, standing)
                nonfinite.found(group, standing)
            standing.step += 1
            standing.position = position
            standing.seconds = perf_counter() - began
            standing.add_to_curve(settings, num_steps)
            self.observer.batch_done(
                standing.train,
                step=standing.step,
                learning_rate=self.learner.learning_rate,
                waiting=waiting,
            )
            self.clock.lap("learning", standing.stages)
            if reports[0].is_due:
                self.checkpoints.save(self.learner, standing)
                self.clock.lap("saving", standing.stages)
            if any(report.is_stopping for report in reports):
                raise Stopped

    def end_epoch(self) -> None:
        """Validates, keeps the model if it is the best so far, and goes on to the next epoch."""
        task, standing, metric = self.task, self.standing, self.task.metrics[0]
        with self.learner.averaged():
            self.clock.lap("data", standing.stages)
            num_steps = task.num_steps(self.data, "valid")
            valid = evaluate(
                task,
                self.data,
                "valid",
                ranks=self.ranks,
                is_stopping=self.is_stopping,
                advances=lambda tally: self.observer.validation_advances(
                    tally, num_steps=num_steps
                ),
            )
            self.clock.lap("validation", standing.stages)
        is_best = standing.is_best(metric, valid)
        if is_best:
            self.save_model()
            standing.best, standing.best_loss = valid.value(metric), valid.loss
            standing.best_epoch = standing.epoch
        self.clock.lap("saving", standing.stages)
        result = EpochResult(
            standing.epoch,
            standing.step,
            standing.train,
            valid,
            standing.seconds,
            is_best,
            task.metrics,
            standing.stages,
            standing.losses(),
            standing.num_epochs(task.settings.training),
        )
        if self.ranks.is_first:
            self.run.append_metrics(result.to_json())
        standing.rows += 1
        self.observer.epoch_ends(result)
        standing.begin_epoch()

    def save_model(self) -> None:
        """Stores the weights, or their averages if there are any."""
        if self.ranks.is_first:
            with self.learner.averaged():
                self.run.save_model(self.task.model)

    def _groups(self) -> Iterator[tuple[list[Any], dict[str, Any], float]]:
        """This rank's batches of each step to come, and how the pass stands after them.

        That is where it is, and the share of its time so far that was spent in waiting for them.
        """
        settings, standing = self.task.settings.training, self.standing
        pipeline = self.task.batches(self.data, "train", epoch=standing.epoch)
        batches = iter(pipeline.for_rank(self.ranks.rank, self.ranks.num_ranks))
        if standing.position is not None:
            batches.load_state_dict(standing.position)
        while settings.steps is None or standing.step < settings.steps:
            group = list(islice(batches, settings.accumulate))
            if not group:
                return
            yield group, batches.state_dict(), batches.stats().waiting_share

    def _backward(self, group: list[Any]) -> list[Score]:
        """Adds the gradients of some batches up; ends early at a loss that is not finite."""
        scores: list[Score] = []
        carried = self.standing.carried
        for number, batch in enumerate(group):
            self._seed(number * self.ranks.num_ranks + self.ranks.rank)
            score = score_batch(self.task, batch, carried)
            if not score.loss.isfinite():
                return scores
            score.loss.backward()  # type: ignore[no-untyped-call]
            carried = score.carried
            scores.append(score)
        return scores

    def _seed(self, place: int) -> None:
        """Makes what is drawn for a batch depend on the step and its place in it alone.

        So it is the same whichever rank has the batch, and whatever was interrupted before.
        """
        key = (self.task.settings.training.seed, self.standing.step, place)
        [seed] = np.random.SeedSequence(key).generate_state(1, np.uint64).tolist()
        if device_of(self.task.model).type == "cpu":
            # Until CUDA is used, `torch.manual_seed` keeps the traces of all its callers for it.
            torch.default_generator.manual_seed(seed >> 1)
        else:
            torch.manual_seed(seed >> 1)

    def _report(self, scores: list[Score], num_batches: int) -> _Report:
        return _Report(
            Tally.of(scores),
            is_finite=len(scores) == num_batches,
            is_stopping=self.is_stopping(),
            is_due=self.checkpoints.is_due(self.standing.step + 1),
        )


def score_batch(task: Learnable, batch: Any, carried: Mapping[str, Tensor] | None) -> Score:
    """`Learnable.score` of a batch, on the device of the model and in its precision."""
    device = device_of(task.model)
    is_mixed = task.settings.training.precision == "bfloat16"
    carried = None if carried is None else to_device(carried, device)
    with torch.autocast(device.type, torch.bfloat16, enabled=is_mixed):
        return task.score(to_device(batch, device), carried)
