"""Surnames, and letters of given names, that small fonts lack.

The first line lies within GB 2312, the second in the basic block outside it, the third and fourth
in extension A and beyond the basic plane, as the rules of 2013 and GB 18030-2022 admit them.
"""

from __future__ import annotations

from typing import Final

RARE_SURNAMES: Final = (
    *"亓仉佘厍妫逄郏郗鄢缪昝笪璩隗嬴乜邝逯庹",
    *"禤褟甯闫亶僪喆镕珺玥祎昇堃頔翀㐱",
    *"䶮䜣㛃㑇䴙",
    *"𬱖𫖯𬀩𬭎",
)
