"""FastAPI and RQ, with its defaults: a worker forks for each job."""

import os
from typing import Any

from fastapi import FastAPI, HTTPException, Response
from napping import nap
from question import Napping
from redis import Redis
from rq import Queue
from rq.job import Job

redis = Redis.from_url(os.environ["REDIS_URL"])
queue = Queue(connection=redis)
app = FastAPI()


@app.post("/v1/napping", status_code=202)
def ask(question: Napping, response: Response) -> dict[str, Any]:
    job = queue.enqueue(nap, question.number, question.seconds)
    response.headers["location"] = f"/results/{job.id}"
    return {"id": job.id}


@app.get("/results/{job_id}")
def result(job_id: str, response: Response) -> Any:
    job = Job.fetch(job_id, connection=redis)
    if job.is_failed:
        raise HTTPException(500, "the job failed")
    if job.is_finished:
        return job.return_value()
    response.status_code = 202
    return {"state": str(job.get_status(refresh=False))}
