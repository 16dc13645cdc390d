"""What can be checked without the domain: keys, signed notes, Merkle proofs and certificates."""
