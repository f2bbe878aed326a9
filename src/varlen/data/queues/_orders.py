"""Which element of a queue comes out next. None of this knows threads."""

import heapq
import random
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Sequence
from typing import Any

Element = tuple[Any, ...]


class Order(ABC):
    """Elements, and the one that is next."""

    @abstractmethod
    def __len__(self) -> int:
        """How many there are."""

    @abstractmethod
    def put(self, element: Element) -> None:
        """Adds one."""

    @abstractmethod
    def take(self) -> Element:
        """Takes the next one."""

    @abstractmethod
    def put_back(self, elements: Sequence[Element]) -> None:
        """Undoes that many takes."""

    def can_take(self) -> bool:
        """Whether there is one to take."""
        return len(self) > 0

    def release(self) -> None:
        """No more will come: none has to stay."""
        return


class FirstInFirstOut(Order):
    """In the order of arrival."""

    def __init__(self) -> None:
        self._elements: deque[Element] = deque()

    def __len__(self) -> int:
        return len(self._elements)

    def put(self, element: Element) -> None:
        self._elements.append(element)

    def take(self) -> Element:
        return self._elements.popleft()

    def put_back(self, elements: Sequence[Element]) -> None:
        self._elements.extendleft(reversed(elements))


class Shuffled(Order):
    """Uniformly at random, as long as more than `min_after_dequeue` are there."""

    def __init__(self, min_after_dequeue: int, seed: int | None) -> None:
        self._min_after_dequeue = min_after_dequeue
        self._random = random.Random(seed)
        self._elements: list[Element] = []

    def __len__(self) -> int:
        return len(self._elements)

    def put(self, element: Element) -> None:
        self._elements.append(element)

    def take(self) -> Element:
        number = self._random.randrange(len(self._elements))
        last = self._elements.pop()
        if number == len(self._elements):
            return last
        taken, self._elements[number] = self._elements[number], last
        return taken

    def put_back(self, elements: Sequence[Element]) -> None:
        self._elements.extend(elements)

    def can_take(self) -> bool:
        return len(self) > self._min_after_dequeue

    def release(self) -> None:
        self._min_after_dequeue = 0


class SmallestFirst(Order):
    """By the first component, which is a number; equals in the order of arrival."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, Element]] = []
        self._last = 0
        self._first = 0

    def __len__(self) -> int:
        return len(self._heap)

    def put(self, element: Element) -> None:
        self._last += 1
        heapq.heappush(self._heap, (int(element[0]), self._last, element))

    def take(self) -> Element:
        return heapq.heappop(self._heap)[2]

    def put_back(self, elements: Sequence[Element]) -> None:
        for element in reversed(elements):
            self._first -= 1
            heapq.heappush(self._heap, (int(element[0]), self._first, element))
