# Building and deploying the function. `make` alone lists the targets; each line behind ## is its description.
# POSIX make and sh; Docker only where a target's description names it.
.POSIX:

# arm64 or amd64; empty is the architecture of this machine.
ARCH =
# What `cargo` is, and where the image goes by name.
CARGO = cargo
IMAGE = trailsink
# Of run-local: the port, and more for `docker run`, such as
# DOCKER_FLAGS='-e TRAILSINK_TO=s3://BUCKET -e AWS_REGION=eu-west-1 -e AWS_ACCESS_KEY_ID -e AWS_SECRET_ACCESS_KEY'.
PORT = 9000
DOCKER_FLAGS =
# Of deploy: more for `terraform apply`, such as TERRAFORM_FLAGS=-auto-approve.
TERRAFORM_FLAGS =
# The C library of Amazon Linux 2023, which the function runs on.
LAMBDA_GLIBC = 2.34

# The architecture by its three names: $arch is Docker's, $cpu is Rust's and the compilers', $architecture is Terraform's.
SET_ARCH = set -eu; arch='$(ARCH)'; \
	case "$${arch:-$$(uname -m)}" in \
	arm64|aarch64) arch=arm64 cpu=aarch64 architecture=arm64 ;; \
	amd64|x86_64) arch=amd64 cpu=x86_64 architecture=x86_64 ;; \
	*) echo "ARCH is arm64 or amd64, as Lambda knows no other" >&2; exit 2 ;; \
	esac
# Ends the recipe where a program is missing: $(NEED) PROGRAM 'what for, or what to do'.
NEED = need() { command -v "$$1" >/dev/null 2>&1 || { echo "$$1 is needed: $$2" >&2; exit 1; }; }; need
DOCKER_BUILD = docker build --platform "linux/$$arch"

.PHONY: help build-lambda zip build-docker zip-docker run-local test bench deploy

help: ## this list
	@echo 'make TARGET [ARCH=arm64|amd64]'
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' Makefile | awk -F '|' '{ printf "  %-13s %s\n", $$1, $$2 }'

build-lambda: ## the binary as target/lambda/bootstrap, on Linux; for the other ARCH with a cross compiler
	@$(SET_ARCH); \
	if [ "$$(uname -s)" != Linux ]; then echo 'Lambda runs Linux: use make zip-docker here' >&2; exit 1; fi; \
	out="$${CARGO_TARGET_DIR:-target}/release" tools=; \
	set -- build --locked --release --bin trailsink; \
	if [ "$$cpu" != "$$(uname -m)" ]; then \
	  tools="$$cpu-linux-gnu-" triple="$$cpu-unknown-linux-gnu"; \
	  $(NEED) "$${tools}gcc" "apt-get install gcc-$$(echo "$$cpu" | tr _ -)-linux-gnu and rustup target add $$triple, or make zip-docker"; \
	  out="$${CARGO_TARGET_DIR:-target}/$$triple/release"; \
	  set -- "$$@" --target "$$triple" --config "target.$$triple.linker='$${tools}gcc'"; \
	fi; \
	$(CARGO) "$$@"; \
	mkdir -p target/lambda; \
	rm -f target/lambda/bootstrap; \
	"$${tools}strip" -o target/lambda/bootstrap "$$out/trailsink"; \
	chmod 755 target/lambda/bootstrap; \
	if command -v readelf >/dev/null 2>&1; then \
	  newest=$$(LC_ALL=C readelf --version-info --wide target/lambda/bootstrap | grep -o 'GLIBC_2[.0-9]*' | sort -V | tail -n 1); \
	  if [ -z "$$newest" ] || [ "$$(printf '%s\n' "$$newest" 'GLIBC_$(LAMBDA_GLIBC)' | sort -V | tail -n 1)" != 'GLIBC_$(LAMBDA_GLIBC)' ]; then \
	    rm target/lambda/bootstrap; \
	    echo "built on this system the binary needs $${newest:-an unknown C library}, and Lambda has $(LAMBDA_GLIBC): use make zip-docker" >&2; exit 1; \
	  fi; \
	fi; \
	echo "target/lambda/bootstrap: $$arch, $$(wc -c <target/lambda/bootstrap | tr -d ' ') bytes"

# The time and the mode of the file are always the same, and so are the zip's bytes for the same binary: Terraform deploys what
# differs.
zip: build-lambda ## target/lambda/bootstrap.zip, without Docker
	@$(NEED) python3 'it writes the zip'; \
	cd target/lambda; \
	rm -f bootstrap.zip; \
	TZ=UTC touch -t 202001010000 bootstrap; \
	TZ=UTC python3 -m zipfile -c bootstrap.zip bootstrap; \
	echo "target/lambda/bootstrap.zip: $$(wc -c <bootstrap.zip | tr -d ' ') bytes"

# Lambda takes images, not the index that an attestation of provenance would make of one.
build-docker: ## the container image trailsink:ARCH, with Docker
	@$(SET_ARCH); \
	$(NEED) docker 'an engine with BuildKit builds the image'; \
	$(DOCKER_BUILD) --provenance=false --tag "$(IMAGE):$$arch" \
	  --build-arg VERSION="$$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)" \
	  --build-arg REVISION="$$(git rev-parse HEAD 2>/dev/null || echo unknown)" .

zip-docker: ## target/lambda/bootstrap.zip, with Docker: on any system
	@$(SET_ARCH); \
	$(NEED) docker 'an engine with BuildKit builds the zip'; \
	mkdir -p target/lambda; \
	$(DOCKER_BUILD) --target zip --output target/lambda .

# As the user who runs it, as the files of the lake would be root's otherwise.
run-local: build-docker ## the image under the runtime interface emulator on PORT, 9000, with Docker; the lake is lake/
	@$(SET_ARCH); \
	mkdir -p lake; \
	echo; \
	echo 'Invoke it from another terminal; Ctrl-C here ends it:'; \
	echo; \
	echo '  curl -sS http://127.0.0.1:$(PORT)/2015-03-31/functions/function/invocations --data-binary @events/lambda/sqs-batch.json'; \
	echo; \
	exec docker run --rm --init --platform "linux/$$arch" --publish '127.0.0.1:$(PORT):8080' \
	  --user "$$(id -u):$$(id -g)" --volume "$$PWD/lake:/lake" --env TRAILSINK_TO=/lake $(DOCKER_FLAGS) "$(IMAGE):$$arch"

test: ## what the README says: cargo test
	$(CARGO) test

bench: ## measures speed, memory and size beside what they must be; writes benches/RESULTS.md
	python3 benches/bench.py

deploy: zip ## terraform apply with the zip; variables in terraform/terraform.tfvars
	@$(SET_ARCH); \
	$(NEED) terraform 'see terraform/README.md'; \
	terraform -chdir=terraform init -input=false; \
	terraform -chdir=terraform apply -var package_type=Zip -var function_zip="$$PWD/target/lambda/bootstrap.zip" \
	  -var architecture="$$architecture" $(TERRAFORM_FLAGS)
