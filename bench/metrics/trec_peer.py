"""Evaluates a run with trec_eval's own code: trec_peer.py QRELS RUN, one JSON object a question on stdout."""
import json
import sys

import pytrec_eval

MEASURES = {
    'map', 'recip_rank', 'Rprec', 'ndcg', 'ndcg_cut.1,5,10,100', 'P.1,5,10,100', 'recall.1,5,10,100',
    'success.1,5,10,100',
}

with open(sys.argv[1], encoding='utf-8') as file:
    qrels = pytrec_eval.parse_qrel(file)
with open(sys.argv[2], encoding='utf-8') as file:
    run = pytrec_eval.parse_run(file)
print(json.dumps(pytrec_eval.RelevanceEvaluator(qrels, MEASURES).evaluate(run)))
