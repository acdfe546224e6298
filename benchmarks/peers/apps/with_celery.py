"""FastAPI and Celery, with its defaults; Redis is broker and result backend."""

import os
from typing import Any

from celery import Celery
from fastapi import FastAPI, HTTPException, Response
from napping import nap
from question import Napping

celery = Celery("peer", broker=os.environ["REDIS_URL"], backend=os.environ["REDIS_URL"])
compute = celery.task(name="nap")(nap)
app = FastAPI()


@app.post("/v1/napping", status_code=202)
def ask(question: Napping, response: Response) -> dict[str, Any]:
    job = compute.delay(question.number, question.seconds)
    response.headers["location"] = f"/results/{job.id}"
    return {"id": job.id}


@app.get("/results/{job_id}")
def result(job_id: str, response: Response) -> Any:
    job = celery.AsyncResult(job_id)
    if job.failed():
        raise HTTPException(500, "the job failed")
    if job.successful():
        return job.result
    response.status_code = 202
    return {"state": job.state}
