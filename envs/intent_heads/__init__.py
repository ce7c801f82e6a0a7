"""Small heads on the frozen sentence encoder, trained on clauses that a grammar composes.

vocabulary -> grammar     what exists (machines, places, people) and how services are said
grammar    -> compose     clauses and whole texts with their labels, from a seed
compose    -> training    the encoder's vectors, one small perceptron per question

python -m envs.intent_heads            writes coordinator/intent/heads.npz and its manifest
python -m envs.intent_heads --check    trains again and compares: the same bytes or an error
"""
