"""The question; not beside the computation, as RQ imports that anew for each job."""

from pydantic import BaseModel


class Napping(BaseModel):
    number: int
    seconds: float = 0.05
