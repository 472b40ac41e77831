"""Older drafts and vendor profiles: small named rules, and nothing of them anywhere else."""

from wallet.compat.profiles import PROFILES as PROFILES
from wallet.compat.profiles import Profile as Profile
from wallet.compat.profiles import ProfileName as ProfileName
from wallet.compat.profiles import Tolerated as Tolerated
from wallet.compat.profiles import after_link as after_link
from wallet.compat.profiles import after_metadata as after_metadata
from wallet.compat.profiles import after_not_found as after_not_found
from wallet.compat.profiles import after_offer as after_offer
from wallet.compat.profiles import after_refusal as after_refusal
from wallet.compat.profiles import tolerate as tolerate
from wallet.compat.profiles import tolerate_answer as tolerate_answer
from wallet.compat.profiles import tolerate_link as tolerate_link
from wallet.compat.profiles import tolerate_offer as tolerate_offer
from wallet.compat.rules import Facts as Facts
from wallet.compat.rules import Place as Place
