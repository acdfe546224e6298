"""What came of the questions."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Second:
    """What a plot shows of one second."""

    requests: int = 0
    """Questions and polls that came."""
    served: int = 0
    refused: int = 0
    polls: int = 0
    backlog: int = 0
    running: int = 0
    pollers: int = 0
    instances: int = 0
    hot_key_units: float = 0.0


@dataclass(slots=True)
class SimulationOutcome:
    """Counts of questions; a question that waits for a job asks again by polls."""

    asked: int = 0
    served_at_once: int = 0
    served_later: int = 0
    from_memory: int = 0
    polls: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    """Questions by the limit that refused them."""
    polls_refused: Counter[str] = field(default_factory=Counter)
    """Their clients asked again and were served or still wait."""
    first: dict[str, float] = field(default_factory=dict)
    """When each limit first refused something, in seconds."""
    delayed: Counter[str] = field(default_factory=Counter)
    """Seconds in which more jobs waited than ran, by what kept workers away."""
    waits: Counter[float] = field(default_factory=Counter)
    """Seconds from asking to having the result, to a tick, of those who waited."""
    waiting: int = 0
    """Questions that wait at the end."""
    computed: Counter[int] = field(default_factory=Counter)
    """Finished jobs by signature."""
    seconds: list[Second] = field(default_factory=list)

    @property
    def served(self) -> int:
        return self.served_at_once + self.served_later

    @property
    def share_refused(self) -> float:
        return sum(self.refused.values()) / max(1, self.asked)

    @property
    def polls_per_result(self) -> float:
        """Of the questions that waited."""
        return self.polls / max(1, self.served_later)

    def refuse(self, limit: str, questions: int, now: float, *, polls: bool = False) -> None:
        if questions > 0:
            (self.polls_refused if polls else self.refused)[limit] += questions
            self.first.setdefault(limit, now)
            self.second(now).refused += questions

    def second(self, now: float) -> Second:
        while len(self.seconds) <= now:
            self.seconds.append(Second())
        return self.seconds[int(now)]

    def wait(self, share: float) -> float:
        """The time to the result that this share of those who waited did not exceed."""
        left = share * sum(self.waits.values())
        for seconds, clients in sorted(self.waits.items()):
            left -= clients
            if left <= 0:
                return seconds
        return 0.0

    @property
    def peak(self) -> float:
        """The most requests of a second."""
        return max((second.requests for second in self.seconds), default=0)

    @property
    def limits(self) -> list[str]:
        """What refused something, in the order in which that began."""
        return sorted(self.first, key=self.first.__getitem__)
