"""Seeded corpus of honest and forged census lists, and the study of what the forensic rules see in it."""
