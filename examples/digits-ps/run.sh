#!/usr/bin/env bash
# Every line of the training goes through checksum.py, which ends the log with its SHA-256: with it
# anybody can prove later that the stored log is complete, to the byte.
set -o pipefail
cd "$(dirname "$0")" || exit 1
export TF_CPP_MIN_LOG_LEVEL="${TF_CPP_MIN_LOG_LEVEL:-2}" TF_ENABLE_ONEDNN_OPTS="${TF_ENABLE_ONEDNN_OPTS:-0}"
export GRPC_FAIL_FAST=use_caller # a worker that is lost is noticed, not waited for
trap : TERM                      # SIGTERM reaches train.py too, which decides; this shell waits for it
python3 -u train.py "$@" 2>&1 | (trap '' TERM INT; exec python3 -u checksum.py)
