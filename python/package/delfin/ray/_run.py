"""Blocks as tasks of Ray: few at a time, computed again where a worker is lost."""

import time

import ray

from .._errors import Error
from ._stages import work

# Blocks that wait for a worker, for each that runs.
WAITING = 2


@ray.remote(max_retries=0)
def _work(job, stage, unit, arguments):
    return work(job, stage, unit, arguments)


class Stage:
    """What a stage took."""

    def __init__(self):
        self.blocks = self.reused = self.retried = 0
        self.seconds = self.work_seconds = self.processor_seconds = 0.0
        self.memory_kb = 0
        self.bytes_read = self.bytes_written = 0

    def add(self, info):
        self.blocks += 1
        self.reused += info["is_reused"]
        self.work_seconds += info["seconds"]
        self.processor_seconds += info["processor_seconds"]
        self.memory_kb = max(self.memory_kb, info["memory_kb"])
        self.bytes_read += info["bytes_read"]
        self.bytes_written += info["bytes_written"]

    def to_dict(self):
        return {
            name: round(value, 3) if isinstance(value, float) else value for name, value in sorted(vars(self).items())
        }


class Runner:
    """Runs the stages of a job."""

    def __init__(self, job, num_slots, num_cpus, memory, max_retries, progress):
        self.job = job
        self.num_slots = num_slots
        self.max_retries = max_retries
        self.progress = progress
        self.stages = {}
        options = {"num_cpus": num_cpus}
        if memory is not None:
            options["memory"] = memory
        self.options = options

    def run(self, stage, units):
        """Computes the blocks of a stage: ``(unit, arguments)`` each. What each tells, in their order."""
        units = list(units)
        label = stage.removeprefix("parts/").removesuffix(".parquet")
        took = self.stages.setdefault(label, Stage())
        started = time.monotonic()
        self.job.store.make_folder(stage)
        job = ray.put(self.job)
        found = [None] * len(units)
        tries = [0] * len(units)
        waiting = list(range(len(units)))[::-1]
        running = {}
        self.tell(label, 0, len(units))
        try:
            done = 0
            while waiting or running:
                while waiting and len(running) < WAITING * self.num_slots:
                    at = waiting.pop()
                    unit, arguments = units[at]
                    task = _work.options(name=f"delfin {label} {unit}", **self.options)
                    running[task.remote(job, stage, unit, arguments)] = at
                ready, _ = ray.wait(list(running), num_returns=1, timeout=1.0)
                for reference in ready:
                    at = running.pop(reference)
                    try:
                        found[at] = ray.get(reference)
                    except ray.exceptions.RayError as error:
                        tries[at] += 1
                        self.refuse(error, label, units[at][0], tries[at])
                        took.retried += 1
                        waiting.append(at)
                        continue
                    took.add(found[at])
                    done += 1
                    self.tell(label, done, len(units))
        except BaseException:
            for reference in running:
                ray.cancel(reference, force=True)
            raise
        finally:
            took.seconds += time.monotonic() - started
        return found

    def tell(self, stage, done, total):
        if self.progress is not None:
            self.progress(stage, done, total)

    def refuse(self, error, stage, unit, tries):
        """Raises unless the block is worth another try: its worker was lost, or a file could not be read."""
        block = f"block {unit} of {stage}"
        if isinstance(error, ray.exceptions.RayTaskError):
            cause = error.cause
            if isinstance(cause, (OSError, MemoryError)) and tries <= self.max_retries:
                return
            message = f"{block}: {type(cause).__name__}: {cause}"
            if isinstance(cause, Error):
                raise type(cause)(f"{block}: {cause}", cause.path) from error
            raise Error(message) from error
        if tries <= self.max_retries:
            return
        reason = " ".join(str(error).split())
        advice = "" if len(reason) < 300 else "..."
        message = f"{block}: its worker was lost {tries} times, which lack of memory may do: {reason[:300]}{advice}"
        raise Error(message) from error
