"""For the machines of authors and operators. It is not deployed; the engine imports none of it.

cli.py              the command `backburner`
project.py          new and upgrade: a project's files, from skeleton/ and wheel.py
run.py, local/      run: the whole deployment on this machine
compute.py, listed_imports.py  compute: one computation, in the command's own process
ask.py, parameter_files.py  ask: a question to a service, by client.py (clients/python)
testing.py, suites/ test: what every computation and every deployment keeps to
bundle.py           what sam build does
redrive.py forget.py doctor.py  for operators
documents.py        docs: the pages that the wheel carries
packages.py         lock, and the libraries in .venv
terminal.py         what is printed, escaped
errors.py           errors of the commands
"""
