"""The mistakes, by what they break."""

from .mutant import Mutant

STORE, ENTRY = "src/backburner/protocol/store.py", "src/backburner/protocol/entry.py"
REQUEST, WORKER = "src/backburner/request.py", "src/backburner/worker.py"
RESPONSE, ROUTES = "src/backburner/http/response.py", "src/backburner/http/routes.py"
HANDOVER = "src/backburner/attempt/handover.py"
AWS, RESOURCES = "src/backburner/aws.py", "src/backburner/resources.py"
TOGETHER = "src/backburner/attempt/together.py"
AT_BATCHES = "tests/test_together.py"
AT_THE_STORE, AT_REQUESTS = "tests/protocol/test_store.py", "tests/test_request.py"

FENCE = [
    Mutant(
        what="a run that lost its job completes it",
        path=STORE,
        line='self._answer(run.entry, answer, [MINE], {"run": run.token})',
        instead='self._answer(run.entry, answer, ["attribute_exists(job)"], {})',
        tests=AT_THE_STORE,
    ),
    Mutant(
        what="a run that lost its job fails it",
        path=STORE,
        line='self._answer_with_problem(run.entry, problem, [MINE], {"run": run.token})',
        instead='self._answer_with_problem(run.entry, problem, ["attribute_exists(job)"], {})',
        tests=AT_THE_STORE,
    ),
    Mutant(
        what="a job is claimed beside another",
        path=STORE,
        line="job, [NO_JOB, RENEWABLE], {",
        instead="job, [RENEWABLE], {",
        tests=AT_THE_STORE,
    ),
    Mutant(
        what="an answer that stands is renewed",
        path=STORE,
        line="job, [NO_JOB, RENEWABLE], {",
        instead='job, [NO_JOB, ":now = :now"], {',
        tests=AT_THE_STORE,
    ),
    Mutant(
        what="a job that is alive in a worker is buried",
        path=STORE,
        line="clauses = [AS_SEEN, NOT_IN_A_WORKER]",
        instead='clauses = [AS_SEEN, ":now = :now"]',
        tests=AT_THE_STORE,
    ),
    Mutant(
        what="a job is begun without an attempt left",
        path=STORE,
        line="[BEGINNABLE, ATTEMPTS_LEFT, TIME_LEFT]",
        instead="[BEGINNABLE, TIME_LEFT]",
        tests=AT_THE_STORE,
    ),
    Mutant(
        what="whoever begins keeps the token of another run",
        path=STORE,
        line="return Run(token=token, entry=begun)",
        instead='return Run(token="run", entry=begun)',
        tests=AT_THE_STORE,
    ),
]
LEASE = [
    Mutant(
        what="a running job is begun again while its lease lasts",
        path=STORE,
        line='BEGINNABLE = f"({QUEUED} OR {LEASE_RAN_OUT})"',
        instead='BEGINNABLE = f"({QUEUED} OR attribute_exists(job.lease) OR job.lease <= :now)"',
        tests=AT_THE_STORE,
    ),
    Mutant(
        what="a job is sent again while its lease lasts",
        path=STORE,
        line="[AS_SEEN, LEASE_RAN_OUT, ATTEMPTS_LEFT, TIME_LEFT]",
        instead='[AS_SEEN, ":now = :now", ATTEMPTS_LEFT, TIME_LEFT]',
        tests=AT_THE_STORE,
    ),
    Mutant(
        what="a heartbeat does not extend the lease",
        path=STORE,
        line='"lease": now + self.leases.running,\n                "progress": progress,',
        instead='"lease": run.job.lease,\n                "progress": progress,',
        tests=AT_THE_STORE,
    ),
    Mutant(
        what="a lease that ran out counts as alive",
        path=ENTRY,
        line="return now < self.lease and now < self.gives_up_at",
        instead="return now < self.gives_up_at",
        tests=f"{AT_REQUESTS} {AT_THE_STORE}",
    ),
    Mutant(
        what="a job is alive after its time",
        path=ENTRY,
        line="return now < self.lease and now < self.gives_up_at",
        instead="return now < self.lease",
        tests=f"{AT_REQUESTS} {AT_THE_STORE}",
    ),
    Mutant(
        what="a job whose message was not sent looks alive",
        path=REQUEST,
        line="            self.unclaim(entry)\n            raise",
        instead="            raise",
        tests=AT_REQUESTS,
    ),
    Mutant(
        what="a queued job's lease does not outlast its delay",
        path=STORE,
        line="lease = due_at + self.leases.queued",
        instead="lease = self.clock() + self.leases.queued - delay",
        tests=f"{AT_THE_STORE} tests/test_worker.py",
    ),
]
EXPIRY = [
    Mutant(
        what="DynamoDB deletes an entry at its end, though clocks differ",
        path=STORE,
        line="return int(entry.ends_at) + DELETION_GRACE",
        instead="return int(entry.ends_at)",
        tests=AT_THE_STORE,
    ),
    Mutant(
        what="an answer is served after its end",
        path=ENTRY,
        line="return self.answer if self.answer and now < self.answer.ends_at else None",
        instead="return self.answer",
        tests=AT_REQUESTS,
    ),
    Mutant(
        what="a stale answer is never renewed",
        path=ENTRY,
        line="return answer is not None and now < answer.renew_at",
        instead="return answer is not None",
        tests=AT_REQUESTS,
    ),
    Mutant(
        what="an answer does not set when its item may be deleted",
        path=STORE,
        line='"SET answer = :answer, expires_at = :expires_at REMOVE job"',
        instead='"SET answer = :answer, ends = :expires_at REMOVE job"',
        tests=AT_THE_STORE,
    ),
]
PRIVACY = [
    Mutant(
        what="an entry of another caller is shown",
        path=ENTRY,
        line="return (self.computation, self.private_to) == (asked.computation, asked.private_to)",
        instead="return self.computation == asked.computation",
        tests="tests/test_private.py",
    ),
    Mutant(
        what="an entry of another computation is shown",
        path=ENTRY,
        line="return (self.computation, self.private_to) == (asked.computation, asked.private_to)",
        instead="return self.private_to == asked.private_to",
        tests=f"{AT_REQUESTS} tests/test_local_cache.py",
    ),
    Mutant(
        what="private questions of two callers have one signature",
        path="src/backburner/protocol/signature.py",
        line="whose = [private_to] if private_to else []",
        instead="whose: list[str] = []",
        tests="tests/test_private.py tests/protocol/test_signature.py",
    ),
    Mutant(
        what="whoever has no token may ask for what is private",
        path=ROUTES,
        line="    if request.identity is None:\n        raise Unauthorized(",
        instead="    if request.identity is None:\n        return Unauthorized.title\n"
        "        raise Unauthorized(",
        tests="tests/test_private.py",
    ),
    Mutant(
        what="anybody may forget an entry",
        path=ROUTES,
        line="if request.operator is None:",
        instead='if request.operator == "":',
        tests="tests/test_forget.py",
    ),
]
CACHES = [
    Mutant(
        what="shared caches keep what a token was needed for",
        path=RESPONSE,
        line='who = "private" if needs_token else "public"',
        instead='who = "public"',
        tests="tests/http/test_routes.py tests/test_private.py",
    ),
    Mutant(
        what="caches give gzip to clients that do not take it",
        path=RESPONSE,
        line='varies = "accept-encoding, authorization" if needs_token else "accept-encoding"',
        instead='varies = "authorization"',
        tests="tests/http/test_routes.py tests/test_private.py",
    ),
    Mutant(
        what="shared caches keep private answers",
        path=RESPONSE,
        line="needs_token = request.needs_token or bool(entry.private_to)",
        instead="needs_token = request.needs_token",
        tests="tests/test_private.py tests/http/test_cache_in_front.py",
    ),
]
TIME = [
    Mutant(
        what="a call begins when the client's time is over",
        path=AWS,
        line="if self._passed() >= self.total:",
        instead="if self._passed() >= self.total + 60:",
        tests="tests/test_aws.py",
    ),
    Mutant(
        what="botocore's own time-outs",
        path=AWS,
        line="connect_timeout=self.connect,\n            read_timeout=self.read,",
        instead="",
        tests="tests/test_aws.py",
    ),
    Mutant(
        what="an attempt has no end",
        path="src/backburner/attempt/__init__.py",
        line="until = started + time_limit",
        instead="until = started + 1000 * time_limit",
        tests="tests/test_attempt.py",
    ),
    Mutant(
        what="an attempt may outlast the time of its job",
        path=WORKER,
        line="min(policy.time_limit, job.gives_up_at - clock())",
        instead="policy.time_limit",
        tests="tests/test_worker.py",
    ),
]
METRICS = [
    Mutant(
        what="metrics have a dimension that no dashboard asks for",
        path="src/backburner/telemetry.py",
        line='"Dimensions": [["computation"]]',
        instead='"Dimensions": [["service", "computation"]]',
        tests="tests/test_operations.py",
    ),
    Mutant(
        what="metrics of all stacks are in one namespace",
        path="src/backburner/telemetry.py",
        line='settings.text("METRICS_NAMESPACE", "backburner")',
        instead='"backburner"',
        tests="tests/test_operations.py",
    ),
]
SECRETS = [
    Mutant(
        what="a refusal or failure tells a secret",
        path=HANDOVER,
        line="masking.masked(str(error))",
        instead="str(error)",
        tests="tests/test_secrets.py",
    ),
    Mutant(
        what="a result tells a secret",
        path=HANDOVER,
        line="masking.check(json)",
        instead="pass",
        tests="tests/test_secrets.py",
    ),
    Mutant(
        what="a secret is read at every attempt",
        path="src/backburner/declared_values.py",
        line="max_age=self.max_age",
        instead="max_age=0",
        tests="tests/test_declared_values.py",
    ),
    Mutant(
        what="the reading of secrets and settings has no time limit of its own",
        path="src/backburner/declared_values.py",
        line="self.time_limits.begin()",
        instead="pass",
        tests="tests/test_declared_values.py",
    ),
]
WAITING = [
    Mutant(
        what="a loop that does not turn is left alone",
        path=TOGETHER,
        line="time.monotonic() > min(last + self.patience, until)",
        instead="time.monotonic() > until",
        tests=AT_BATCHES,
    ),
    Mutant(
        what="a job has failed whose neighbour ended the process",
        path=TOGETHER,
        line="with suppress(EOFError):",
        instead="with suppress(ZeroDivisionError):",
        tests=AT_BATCHES,
    ),
    Mutant(
        what="a job that crashes in the loop has failed, whoever is to blame",
        path=TOGETHER,
        line="except (Uncomputable, TryAgain) as error:",
        instead="except BaseException as error:",
        tests=AT_BATCHES,
    ),
    Mutant(
        what="a job that waits for its turn has no heartbeats",
        path=TOGETHER,
        line="self._gate.wait_for(lambda: job.begun, interval)",
        instead="self._gate.wait_for(lambda: job.begun)",
        tests=AT_BATCHES,
    ),
    Mutant(
        what="a job that begins again may outlast the invocation",
        path=TOGETHER,
        line="min(time_limit, left)",
        instead="time_limit",
        tests=AT_BATCHES,
    ),
    Mutant(
        what="a job that begins again may outlast its own time",
        path="src/backburner/attempt/__init__.py",
        line="if clock() > moment:",
        instead="if False:",
        tests="tests/test_worker.py",
    ),
    Mutant(
        what="a job that does not let itself be cancelled goes on",
        path=TOGETHER,
        line="if not task.done():\n        os._exit(1)",
        instead="if False:\n        os._exit(1)",
        tests=AT_BATCHES,
    ),
    Mutant(
        what="a process that a job forks returns into the loop",
        path=TOGETHER,
        line="os.register_at_fork(after_in_child=selector.close)",
        instead="pass",
        tests=AT_BATCHES,
    ),
    Mutant(
        what="jobs share their threads",
        path=TOGETHER,
        line="executor = own[func is socket.getaddrinfo]",
        instead="executor = None",
        tests=AT_BATCHES,
    ),
    Mutant(
        what="a process of an attempt may have no children",
        path="src/backburner/attempt/__init__.py",
        line="daemon=False",
        instead="daemon=True",
        tests="tests/test_attempt.py",
    ),
    Mutant(
        what="a job reads the values of its neighbours",
        path="src/backburner/computation/declared.py",
        line="token = _given.set(values)",
        instead="global _in_threads; _in_threads = values; token = _given.set(None)",
        tests=AT_BATCHES,
    ),
    Mutant(
        what="a task of a job is nobody's",
        path=TOGETHER,
        line="each.cancel()",
        instead="pass",
        tests=AT_BATCHES,
    ),
    Mutant(
        what="a job may take for ever",
        path=TOGETHER,
        line="timeout=job.time_limit,",
        instead="timeout=None,",
        tests=AT_BATCHES,
    ),
    Mutant(
        what="every job goes to the standard lane",
        path=ENTRY,
        line="lane=policy.lane,",
        instead="",
        tests="tests/test_lanes.py",
    ),
    Mutant(
        what="a job is tried again before its computation says",
        path=WORKER,
        line='delay = getattr(failure, "after", 0.0) + usual',
        instead="delay = usual",
        tests="tests/test_worker.py",
    ),
]
MUTANTS = [*FENCE, *LEASE, *EXPIRY, *PRIVACY, *CACHES, *TIME, *METRICS, *SECRETS, *WAITING]
