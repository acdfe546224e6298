"""The mistakes, by what they break."""

from .mutant import Mutant

STORE, ENTRY = "src/backburner/protocol/store.py", "src/backburner/protocol/entry.py"
REQUEST, WORKER = "src/backburner/request.py", "src/backburner/worker.py"
RESPONSE, ROUTES = "src/backburner/http/response.py", "src/backburner/http/routes.py"
HANDOVER = "src/backburner/attempt/handover.py"
AWS, RESOURCES = "src/backburner/aws/time_limits.py", "src/backburner/resources.py"
TOGETHER = "src/backburner/attempt/together.py"
AT_ATTEMPTS = "tests/attempt/test_alone.py"
AT_BATCHES = "tests/attempt/test_together.py"
AT_THE_STORE, AT_REQUESTS = "tests/protocol/test_store.py", "tests/test_request.py"


def of(path: str, tests: str, *mistakes: tuple[str, str, str]) -> list[Mutant]:
    """What goes wrong, the line, and what stands there instead: all in one file."""
    return [
        Mutant(what=what, path=path, line=line, instead=instead, tests=tests)
        for what, line, instead in mistakes
    ]


FENCE = of(
    STORE,
    AT_THE_STORE,
    (
        "a run that lost its job completes it",
        'self._answer(run.entry, answer, [MINE], {"run": run.token})',
        'self._answer(run.entry, answer, ["attribute_exists(job)"], {})',
    ),
    (
        "a run that lost its job fails it",
        'self._answer_with_problem(run.entry, problem, [MINE], {"run": run.token})',
        'self._answer_with_problem(run.entry, problem, ["attribute_exists(job)"], {})',
    ),
    ("a job is claimed beside another", "job, [NO_JOB, RENEWABLE], {", "job, [RENEWABLE], {"),
    (
        "an answer that stands is renewed",
        "job, [NO_JOB, RENEWABLE], {",
        'job, [NO_JOB, ":now = :now"], {',
    ),
    (
        "a job that is alive in a worker is buried",
        "clauses = [AS_SEEN, NOT_IN_A_WORKER]",
        'clauses = [AS_SEEN, ":now = :now"]',
    ),
    (
        "a job is begun without an attempt left",
        "[BEGINNABLE, ATTEMPTS_LEFT, TIME_LEFT]",
        "[BEGINNABLE, TIME_LEFT]",
    ),
    (
        "whoever begins keeps the token of another run",
        "return Run(token=token, entry=begun)",
        'return Run(token="run", entry=begun)',
    ),
)
LEASE = of(
    STORE,
    AT_THE_STORE,
    (
        "a running job is begun again while its lease lasts",
        'BEGINNABLE = f"({QUEUED} OR {LEASE_RAN_OUT})"',
        'BEGINNABLE = f"({QUEUED} OR attribute_exists(job.lease) OR job.lease <= :now)"',
    ),
    (
        "a job is sent again while its lease lasts",
        "[AS_SEEN, LEASE_RAN_OUT, ATTEMPTS_LEFT, TIME_LEFT]",
        '[AS_SEEN, ":now = :now", ATTEMPTS_LEFT, TIME_LEFT]',
    ),
    (
        "a heartbeat does not extend the lease",
        '"lease": now + self.leases.running,\n                "progress": progress,',
        '"lease": run.job.lease,\n                "progress": progress,',
    ),
)
LEASE += [
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
        tests="tests/aws/test_time_limits.py",
    ),
    Mutant(
        what="botocore's own time-outs",
        path=AWS,
        line="connect_timeout=self.connect,\n            read_timeout=self.read,",
        instead="",
        tests="tests/aws/test_time_limits.py",
    ),
    Mutant(
        what="an attempt has no end",
        path="src/backburner/attempt/alone.py",
        line="until = started + time_limit",
        instead="until = started + 1000 * time_limit",
        tests=AT_ATTEMPTS,
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
        path="src/backburner/attempt/declared_values.py",
        line="max_age=self.max_age",
        instead="max_age=0",
        tests="tests/attempt/test_declared_values.py",
    ),
    Mutant(
        what="the reading of secrets and settings has no time limit of its own",
        path="src/backburner/attempt/declared_values.py",
        line="self.time_limits.begin()",
        instead="pass",
        tests="tests/attempt/test_declared_values.py",
    ),
]
WAITING = of(
    TOGETHER,
    AT_BATCHES,
    (
        "a loop that does not turn is left alone",
        "time.monotonic() > min(last + self.patience, until)",
        "time.monotonic() > until",
    ),
    (
        "a job has failed whose neighbour ended the process",
        "with suppress(EOFError):",
        "with suppress(ZeroDivisionError):",
    ),
    (
        "a job that crashes in the loop has failed, whoever is to blame",
        "except (Uncomputable, TryAgain) as error:",
        "except BaseException as error:",
    ),
    (
        "a job that waits for its turn has no heartbeats",
        "self._gate.wait_for(lambda: job.begun, interval)",
        "self._gate.wait_for(lambda: job.begun)",
    ),
    ("a job that begins again may outlast the invocation", "min(time_limit, left)", "time_limit"),
    (
        "a job that does not let itself be cancelled goes on",
        "if not task.done():\n        os._exit(1)",
        "if False:\n        os._exit(1)",
    ),
    (
        "a process that a job forks returns into the loop",
        "os.register_at_fork(after_in_child=selector.close)",
        "pass",
    ),
    ("jobs share their threads", "executor = own[func is socket.getaddrinfo]", "executor = None"),
    ("a task of a job is nobody's", "each.cancel()", "pass"),
    ("a job may take for ever", "timeout=job.time_limit,", "timeout=None,"),
)
WAITING += [
    Mutant(
        what="a job that begins again may outlast its own time",
        path="src/backburner/attempt/alone.py",
        line="if clock() > moment:",
        instead="if False:",
        tests="tests/test_worker.py",
    ),
    Mutant(
        what="a process of an attempt may have no children",
        path="src/backburner/attempt/alone.py",
        line="daemon=False",
        instead="daemon=True",
        tests=AT_ATTEMPTS,
    ),
    Mutant(
        what="a job reads the values of its neighbours",
        path="src/backburner/computation/declared.py",
        line="token = _given.set(values)",
        instead="global _in_threads; _in_threads = values; token = _given.set(None)",
        tests=AT_BATCHES,
    ),
    Mutant(
        what="every job goes to the standard lane",
        path=ENTRY,
        line="lane=policy.lane,",
        instead="",
        tests="tests/protocol/test_lanes.py",
    ),
    Mutant(
        what="a job is tried again before its computation says",
        path=WORKER,
        line='delay = getattr(failure, "after", 0.0) + usual',
        instead="delay = usual",
        tests="tests/test_worker.py",
    ),
]


FETCHING = of(
    "src/backburner/fetching/fetcher.py",
    "tests/fetching/test_fetcher.py",
    ("a bomb is unpacked whole", "decompress(packed, most - len(body))", "decompress(packed)"),
    ("a body of many members is unpacked", "for _ in range(MAX_MEMBERS):", "while True:"),
    ("a body in tiny pieces is read to its end", "_bytes or pieces > MAX_PIECES:", "_bytes:"),
    (
        "half a body counts as whole",
        "if is_whole and not member.eof and len(body) < most:",
        "if 0:",
    ),
    ("a header's value is not cut", "value[:MAX_HEADER].decode", "value.decode"),
    ("headers together are not cut", '", ".join(values)[:MAX_HEADER]', '", ".join(values)'),
    ("redirects do not end", "range(self._max_redirects + 1)", "range(self._max_redirects + 9)"),
    ("one public address is enough", "not all(map(is_public,", "not any(map(is_public,"),
    ("a name is looked up again", "address, port, timeout, local_", "host, port, timeout, local_"),
    (
        "any port is asked",
        "(port not in PORTS.values() or not _is_name(host))",
        "not _is_name(host)",
    ),
    ("a URL may say who asks", """ or "@" in authority""", ""),
    ("a number is asked as a name", "last.isdigit() or _is_hexadecimal(last)", "last.isdigit()"),
)
ADDRESSES = of(
    "src/backburner/fetching/addresses.py",
    "tests/fetching/test_addresses.py",
    ("a private address in an interface's", "& 0xFFFFFFFF in ISATAP:", "in ISATAP:"),
    ("a private IPv4 address in IPv6", "address not in PUBLIC_IPV6 or ", ""),
)
PREVIEWS = of(
    "src/computations/link_preview/preview.py",
    "tests/test_link_preview.py::test_what_will_never_be_previewed_is_refused "
    "tests/test_link_preview.py::test_what_may_be_there_later_is_tried_again_then "
    "tests/test_link_preview.py::test_all_of_it_takes_no_longer_than_the_limit",
    ("robots.txt of a redirect's end", 'if fetched.url not in (url, url + "/"):', "if False:"),
    ("X-Robots-Tag", 'robots.check_opt_outs(fetched.fields.get("x-robots-tag", []))', "pass"),
    ("what a page says to robots", "    robots.check_opt_outs(page.robots)\n", ""),
    ("who is slow once is never previewed", 'TryAgain(f"it took', 'Uncomputable(f"it took'),
    ("a site is asked before it says", "after = _seconds(", "after = 0 * _seconds("),
)
LIGHT_CLIENT = of(
    "src/backburner/aws/light_client.py",
    "tests/aws/test_light_client.py tests/aws/test_time_limits.py",
    (
        "an answer may take for ever",
        "settimeout(self.time_limits.read)",
        "settimeout(90 * self.time_limits.read)",
    ),
    (
        "a connection may take for ever",
        "(self.url, self.time_limits.connect)",
        "(self.url, 90 * self.time_limits.connect)",
    ),
    ("an answer may be as long as it likes", "answer.read(MAX_ANSWER_BYTES)", "answer.read()"),
    (
        "a closed connection is used",
        "kept.sock and not select([kept.sock], [], [], 0)[0]",
        "kept.sock",
    ),
    ("the light client begins calls for ever", "            self.time_limits.check()\n", ""),
    ("anybody is AWS", "context=_trusted()", "context=ssl._create_unverified_context()"),
)
TRIED_AGAIN = of(
    AWS,
    "tests/aws/test_time_limits.py",
    ("what can be done without is tried again", "0 if operation in ONCE else len", "len"),
    ("late calls are tried again", "or self._passed() >= self.total / 2", ""),
)
MEMO = of(
    "src/backburner/http/memo.py",
    "tests/http/test_memo.py",
    ("a memo of another version", "        computation.policy.version,\n", ""),
    (
        "a memo of another caller",
        "        private_to,\n        request.method",
        "        request.method",
    ),
    ("a memo of another media type", '        request.headers.get("content-type"),\n', ""),
    ("the memo grows", "MAX_BYTES // BYTES_EACH", "MAX_BYTES"),
)
AS_WRITTEN = of(
    "src/backburner/computation/written_form.py",
    f"{AT_ATTEMPTS}::test_a_result_is_valid_as_it_is_written_and_so_as_the_documents_say "
    f"{AT_ATTEMPTS}::test_a_result_that_is_not_valid_as_it_is_written_says_where",
    ("what is not written is asked for", ' if not each.get("serialization_exclude")', ""),
    (
        "computed fields are unknown",
        'for each in node.get("computed_fields", ())',
        "for each in ()",
    ),
    ("a text passes for a number", "strict=True, by_alias", "strict=False, by_alias"),
)
DECLARED = of(
    "src/backburner/attempt/declared_values.py",
    "tests/attempt/test_declared_values.py",
    ("a default hides a failure of AWS", "if not _is_not_there(error):", "if False:"),
    (
        "the lack of a value is asked for again",
        'self._provider("setting").add_to_cache(cache_key',
        "str(cache_key",
    ),
)
MASKED = of(
    "src/backburner/attempt/masking.py",
    "tests/test_secrets.py",
    ("half of a secret is left", "key=len, reverse=True", "key=len"),
    ("a secret is masked as it is alone", "for form in _forms(value)}", "for form in [value]}"),
    ("a setting is masked", "if isinstance(each, Secret)}", "}"),
    ("a short secret fails results", "len(value) >= MIN_FOUND and ", ""),
)
ISOLATED = of(
    "src/backburner/attempt/isolation.py",
    f"{AT_ATTEMPTS}::test_what_is_orphaned_while_processes_are_listed_ends_with_the_attempt "
    f"{AT_ATTEMPTS}::test_an_attempt_ends_with_its_worker "
    f"{AT_ATTEMPTS}::test_files_of_an_attempt_go_with_it",
    ("an attempt outlives its worker", "_prctl(PR_SET_PDEATHSIG, SIGKILL)", "pass"),
    (
        "what is orphaned meanwhile lives on",
        "return is_dead and not",
        "return has_ended(child) and not",
    ),
    ("an attempt's files stay", "folder.cleanup()", "folder._finalizer.detach()"),
)
MEDIA = of(
    "src/backburner/http/event.py",
    "tests/http/test_parameters.py",
    (
        "a form may ask, from any page",
        'if media_type != "application/json" and not',
        "if 0 and not",
    ),
    ("what is compressed is read", 'if coding not in ("", "identity"):', "if False:"),
)
SENDS = of(
    STORE,
    AT_THE_STORE,
    ("a lease doubles for ever", "(sends - 1), self.queued_longest)", "(sends - 1), 1e99)"),
    ("a send that failed counts", "entry.the_job.sends - 1", "entry.the_job.sends"),
    ("sends count on in a run", '"zero": 0, "one": 1', '"zero": 3, "one": 1'),
)
KEPT = of(
    "src/backburner/development/local/kept.py",
    "tests/development/local/test_kept.py",
    (
        "what has ended is put back",
        "DELETE FROM kept WHERE ends_at < ?",
        "DELETE FROM kept WHERE ends_at = ?",
    ),
    ("a full disk loses writes", "self._noted = noted | self._noted", "pass"),
    ("a damaged file is used", 'if said != "ok":', "if False:"),
    ("a file of another version is used", "if version != __version__:", "if False:"),
    ("two runs write one file", "PRAGMA locking_mode = EXCLUSIVE", "PRAGMA locking_mode = NORMAL"),
)
LOOPBACK = of(
    "src/backburner/development/local/loopback.py",
    "tests/development/local/test_moto_server.py",
    ("a rebound name is served", "wrong_host(environ, HOSTS) or wrong_page", "wrong_page"),
    (
        "any page asks",
        "wrong_host(environ, HOSTS) or wrong_page(environ)",
        "wrong_host(environ, HOSTS)",
    ),
    ("a name that begins like ours", "OF_THIS_MACHINE.fullmatch(", "OF_THIS_MACHINE.match("),
    ("images ask without an Origin", 'site != "cross-site" or is_link', "True"),
)
MOTO_DOOR = of(
    "src/backburner/development/local/moto_server.py",
    "tests/development/local/test_moto_server.py",
    ("a key in a URL opens secrets", "(is_data if signed else is_read)", "(signed or is_read)"),
    ("a key in a URL writes", 'environ["REQUEST_METHOD"] in ("GET", "HEAD", "OPTIONS")', "True"),
    ("a key in a URL resets moto", ' and not path.startswith("/moto-api")', ""),
    ("any page reads with a URL", 'if not response and origin not in ("", "null") and', "if 0 and"),
)
EDITS = of(
    "src/backburner/development/local/edits.py",
    "tests/development/local/test_edits.py",
    ("a comment forgets answers", "found[file] = ast.dump(tree).encode()", "pass"),
    ("a job goes on with old code", '"job" in each and self._begins_again(each)', '"job" in each'),
    ("imports are no code", "for name in _imported(tree, self._package(file))", "for name in ()"),
)
ENV_FILE = of(
    "src/backburner/development/local/env_file.py",
    "tests/development/local/test_env_file.py",
    (
        "a warning tells a secret",
        "line {line} is ignored",
        "line {found.original.string} is ignored",
    ),
    ("what left .env stays", "for kind, name in self._loaded - wanted:", "for kind, name in ():"),
)
BUNDLED = of(
    "src/backburner/development/bundle.py",
    "tests/development/test_bundle.py",
    (".env is deployed", 'name.startswith(".") or name in FOR', "name in FOR"),
    ("a link takes any file along", "not is_within\n        or any(", "any("),
    ("a link takes .env along", 'any(part.startswith(".") for', "any(False for"),
    ("one processor's libraries for all", "digest.update(self.processor.encode())", "pass"),
    ("another lock's libraries", "made_of = (self.lock, *lists,", "made_of = (*lists,"),
)
LOCKED = of(
    "src/backburner/development/packages.py",
    "tests/development/test_packages.py",
    (
        "an old lock is current",
        "LOCK.exists() and OF + digest() in LOCK.read_text()",
        "LOCK.exists()",
    ),
)
LISTED = of(
    "src/backburner/development/listed_imports.py",
    "tests/development/test_listed_imports.py",
    ("an import that Lambda lacks", "name not in self._modules and _is_installed(name)", "False"),
    ("what is imported already is seen", "    finder.hide()\n    sys.meta", "    sys.meta"),
)
TERMINAL = of(
    "src/backburner/development/terminal.py",
    "tests/development/test_terminal.py",
    ("a stranger's words command the terminal", "if found[0].isprintable() else", "if True else"),
)
PYTHON_CLIENT = of(
    "clients/python/backburner_client/__init__.py",
    "tests/clients/test_behaviours.py::test_python",
    ("a token for others", "if named and _origin(url) == _origin(httpx.URL(service))", "if named"),
    ("a response of any size", "if len(self.content) > self._most:", "if False:"),
    ("a body in parts for ever", "if self._now() >= end:", "if False:"),
    ("refusals for ever", "if self._refusals == MOST_REFUSALS:", "if self._refusals == 99:"),
    ("a tight loop", "max(LEAST_WAIT, told or whole)", "told or 0"),
)
JAVASCRIPT_CLIENT = of(
    "clients/javascript/backburner.js",
    "tests/clients/test_behaviours.py::test_javascript",
    (
        "a token for others, in JavaScript",
        "origin === new URL(service).origin ? href : null",
        "href",
    ),
    (
        "a response of any size, in JavaScript",
        "if ((size += value.byteLength) > most)",
        "if (size > most)",
    ),
)
MUTANTS = [*FENCE, *LEASE, *EXPIRY, *PRIVACY, *CACHES, *TIME, *METRICS, *SECRETS, *WAITING]
MUTANTS += [
    *FETCHING,
    *ADDRESSES,
    *PREVIEWS,
    *LIGHT_CLIENT,
    *TRIED_AGAIN,
    *MEMO,
    *AS_WRITTEN,
    *DECLARED,
    *MASKED,
    *ISOLATED,
    *MEDIA,
    *SENDS,
    *KEPT,
    *LOOPBACK,
    *MOTO_DOOR,
    *EDITS,
    *ENV_FILE,
    *BUNDLED,
    *LOCKED,
    *LISTED,
    *TERMINAL,
    *PYTHON_CLIENT,
    *JAVASCRIPT_CLIENT,
]
