#include "textflag.h"

// func cloneAside(flags, stack uintptr, a *aside) int
TEXT ·cloneAside(SB),NOSPLIT,$0-32
	MOVD flags+0(FP), R0
	MOVD stack+8(FP), R1
	MOVD a+16(FP), R10
	MOVD ZR, R2
	MOVD ZR, R3
	MOVD ZR, R4
	MOVD $220, R8 // clone
	SVC
	CBNZ R0, parent
	SUB $32, RSP
	MOVD R10, 8(RSP)
	CALL ·runAside(SB)
	BRK // it does not return

parent:
	MOVD R0, ret+24(FP)
	RET
