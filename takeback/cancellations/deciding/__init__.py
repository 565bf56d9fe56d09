"""Deciding cases, step by step."""
