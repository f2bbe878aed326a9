"""Float vectors, brought to mean 0 and deviation 1 in each dimension."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float
from torch import Tensor, nn

from varlen.errors import FeatureError
from varlen.features import FixedLenSequenceFeature
from varlen.train.inputs._encoder import Spec


@dataclass(frozen=True)
class VectorEncoder:
    """Normalises vectors by what the training split is like.

    Attributes:
        mean: of each dimension over all steps of the training split.
        deviation: likewise, in all (divided by the number of steps); 1 for a dimension that never
            changes.
        shape: of a step: `()` or `(size,)`.
        is_float: whether the feature is float32 rather than int64.
    """

    kind: ClassVar[str] = "vectors"

    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    shape: tuple[int, ...]
    is_float: bool = True

    @property
    def spec(self) -> Spec:
        return FixedLenSequenceFeature(self.shape, np.float32 if self.is_float else np.int64)

    @property
    def summary(self) -> str:
        size = len(self.mean)
        return f"{size} number{'s' if size > 1 else ''} per step"

    def encode(self, values: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        steps = _as_steps(values, len(self.mean))
        normal: npt.NDArray[np.float64] = (steps - self.mean) / self.deviation
        return normal.astype(np.float32)

    def decode(self, normal: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
        """Vectors `[..., size]` that are normalised, in the units of the data."""
        values: npt.NDArray[np.float64] = normal * np.array(self.deviation) + np.array(self.mean)
        return values

    def layer(self) -> nn.Module:
        return VectorLayer(len(self.mean))

    def to_json(self) -> dict[str, Any]:
        return {
            "mean": list(self.mean),
            "deviation": list(self.deviation),
            "shape": list(self.shape),
            "is_float": self.is_float,
        }

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "VectorEncoder":
        return cls(
            tuple(stored["mean"]),
            tuple(stored["deviation"]),
            tuple(stored["shape"]),
            bool(stored["is_float"]),
        )


class VectorFitting:
    """Keeps the mean and the sum of squared distances from it, in float64.

    Parts are joined as by Chan, Golub and LeVeque (1979), which is exact where a difference of
    large sums is not.
    """

    def __init__(self, shape: tuple[int, ...], *, is_float: bool) -> None:
        size = int(np.prod(shape))
        self._shape, self._is_float = shape, is_float
        self._count = 0
        self._mean = np.zeros(size)
        self._squares = np.zeros(size)

    def add(self, values: npt.NDArray[Any]) -> None:
        steps = _as_steps(values, len(self._mean))
        if not len(steps):
            return
        total = self._count + len(steps)
        mean = steps.mean(0)
        apart = mean - self._mean
        self._squares += ((steps - mean) ** 2).sum(0)
        self._squares += apart**2 * (self._count * len(steps) / total)
        self._mean += apart * (len(steps) / total)
        self._count = total

    def encoder(self) -> VectorEncoder:
        deviation = np.sqrt(self._squares / max(self._count, 1))
        # What never changes would become huge where it changes later.
        constant = deviation <= np.abs(self._mean) * np.finfo(np.float32).eps
        deviation = np.where(constant, 1.0, deviation)
        return VectorEncoder(
            tuple(self._mean.tolist()), tuple(deviation.tolist()), self._shape, self._is_float
        )


class VectorLayer(nn.Module):
    """Hands vectors on as they are; while learning, with noise, which Bishop (1995) showed to
    work as a penalty on how much outputs change with inputs.

    Attributes:
        noise: its standard deviation; that of the vectors themselves is about 1.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size
        self.noise = 0.0

    def forward(self, vectors: Float[Tensor, "steps size"]) -> Float[Tensor, "steps size"]:
        if not self.training or not self.noise:
            return vectors
        return vectors + self.noise * torch.randn_like(vectors)


def _as_steps(values: npt.NDArray[Any], size: int) -> npt.NDArray[np.float64]:
    if not len(values):
        return np.zeros((0, size))
    steps = np.asarray(values, np.float64).reshape(len(values), -1)
    if steps.shape[1] != size:
        raise FeatureError(f"expected {size} numbers per step, found {steps.shape[1]}")
    if not np.isfinite(steps).all():
        step, dimension = np.argwhere(~np.isfinite(steps))[0].tolist()
        raise FeatureError(
            f"expected numbers, found {steps[step, dimension]} in step {step}, "
            f"dimension {dimension}",
            hint="replace or leave out what is missing, before training and before prediction",
        )
    return steps
