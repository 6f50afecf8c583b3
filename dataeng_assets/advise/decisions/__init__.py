"""The rules, as data: each decision with its options, what speaks for and against them, and what rules them out.

How they are weighed belongs in `dataeng_assets.advise.decide`.
"""
