#!/usr/bin/env bash
# From text to a trained part-of-speech tagger: JSON Lines into record files, a bidirectional LSTM
# trained on them, its accuracy on sentences it never saw, and three sentences of our own.
set -euo pipefail
cd "$(dirname "$0")/.."

show() {
  local word
  printf '\n$'
  for word in "$@"; do
    if [[ $word == *' '* ]]; then printf ' "%s"' "$word"; else printf ' %s' "$word"; fi
  done
  printf '\n'
  "$@"
}

show varlen convert data/ud_english_ewt/ud_english_ewt.jsonl.gz runs/demo/data \
  --split-by split --shards 4 --overwrite
show varlen inspect runs/demo/data/train-00000-of-00004.tfrecord
show varlen train tag runs/demo/data --run runs/demo/tagger --overwrite
show varlen evaluate runs/demo/tagger
show varlen predict runs/demo/tagger \
  "The cat sat on the mat ." \
  "Can you can a can as a canner can can a can ?" \
  "Yesterday Zaphod googled frumious snarkometers in Slough , unbelievably ."
