#include "textflag.h"

// func cloneAside(flags, stack uintptr, a *aside, entry uintptr) int
TEXT ·cloneAside(SB),NOSPLIT,$0-40
	MOVD flags+0(FP), R0
	MOVD stack+8(FP), R1
	MOVD a+16(FP), R10
	MOVD entry+24(FP), R11
	MOVD ZR, R2
	MOVD ZR, R3
	MOVD ZR, R4
	MOVD $220, R8 // clone
	SVC
	CBNZ R0, parent
	SUB $32, RSP // where the function may keep its argument (ABIInternal)
	MOVD R10, R0
	CALL (R11)
	BRK // it does not return

parent:
	MOVD R0, ret+32(FP)
	RET
