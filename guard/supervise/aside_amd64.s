#include "textflag.h"

// func cloneAside(flags, stack uintptr, a *aside, entry uintptr) int
TEXT ·cloneAside(SB),NOSPLIT,$0-40
	MOVQ flags+0(FP), DI
	MOVQ stack+8(FP), SI
	MOVQ a+16(FP), R12
	MOVQ entry+24(FP), R13
	XORL DX, DX
	XORL R10, R10
	XORL R8, R8
	MOVL $56, AX // clone
	SYSCALL
	TESTQ AX, AX
	JNE parent
	SUBQ $16, SP // where the function may keep its argument (ABIInternal)
	XORPS X15, X15
	MOVQ R12, AX
	CALL R13
	INT $3 // it does not return

parent:
	MOVQ AX, ret+32(FP)
	RET
