#include "textflag.h"

// func cloneAside(flags, stack uintptr, a *aside) int
TEXT ·cloneAside(SB),NOSPLIT,$0-32
	MOVQ flags+0(FP), DI
	MOVQ stack+8(FP), SI
	MOVQ a+16(FP), R12
	XORL DX, DX
	XORL R10, R10
	XORL R8, R8
	MOVL $56, AX // clone
	SYSCALL
	TESTQ AX, AX
	JNE parent
	SUBQ $16, SP
	MOVQ R12, 0(SP)
	CALL ·runAside(SB)
	INT $3 // it does not return

parent:
	MOVQ AX, ret+24(FP)
	RET
