# What `sam build` runs, in a copy of src/ or layer/: the packages of requirements.txt as wheels for
# Lambda's Python and processor, whatever machine this is, and everything compiled. Lambda's disks
# are read-only: what is not compiled here is compiled anew at every cold start.

# Looked for beside this file: in the copy, pyenv would not know which version is meant.
HERE     := $(dir $(lastword $(MAKEFILE_LIST)))
PYTHON   := $(shell cd "$(HERE)" && python3.13 -c "import sys; print(sys.executable)")
# Those that Amazon Linux 2023 (glibc 2.34) runs.
PLATFORMS = $(addsuffix _$(PROCESSOR),manylinux_2_34 manylinux_2_28 manylinux_2_27 manylinux_2_17 manylinux2014)

install = $(PYTHON) -m pip install --quiet --disable-pip-version-check --target "$(1)" --no-compile \
  --no-deps --requirement requirements.txt \
  --only-binary=:all: --implementation cp --python-version 3.13 $(addprefix --platform ,$(PLATFORMS))

# A file's name in a traceback is that in Lambda.
compile = $(PYTHON) -m compileall -q --invalidation-mode unchecked-hash -s "$(ARTIFACTS_DIR)" -p $(1) "$(ARTIFACTS_DIR)"

build-RequestFunction build-WorkerFunction build-DeadLetterFunction:
	$(call install,$(ARTIFACTS_DIR))
	cp -R backburner computations "$(ARTIFACTS_DIR)"
	find "$(ARTIFACTS_DIR)" -name __pycache__ -prune -exec rm -r {} +
	# Nothing here reaches powertools' routers (with a Swagger UI) or pydantic's old self.
	rm -r "$(ARTIFACTS_DIR)/aws_lambda_powertools/event_handler" "$(ARTIFACTS_DIR)/pydantic/v1"
	$(call compile,/var/task)

build-ComputationsLayer:
	$(call install,$(ARTIFACTS_DIR)/python)
	rm -r "$(ARTIFACTS_DIR)/python/bin"
	$(call compile,/opt)
