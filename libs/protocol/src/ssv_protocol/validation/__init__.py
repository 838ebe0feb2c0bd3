"""Gossip rules: may a message be handed on, to the own workers and to other peers?"""
