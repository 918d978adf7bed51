#include "textflag.h"

// func handlers() (handler, restorer, flag uintptr)
TEXT ·handlers(SB),NOSPLIT,$0-24
	LEAQ ·onSignal(SB), AX
	MOVQ AX, handler+0(FP)
	LEAQ ·afterSignal(SB), AX
	MOVQ AX, restorer+8(FP)
	MOVQ $0x04000000, AX // SA_RESTORER
	MOVQ AX, flag+16(FP)
	RET

// onSignal is called by the kernel, with the signal's number, on any thread at
// any place: it does one system call.
TEXT ·onSignal(SB),NOSPLIT|NOFRAME,$0
	SUBQ $24, SP
	MOVQ DI, 0(SP) // the first byte is the number
	MOVL ·tellTo(SB), DI
	MOVQ SP, SI
	MOVL $1, DX
	MOVL $1, AX // write
	SYSCALL
	ADDQ $24, SP
	RET

TEXT ·afterSignal(SB),NOSPLIT|NOFRAME,$0
	MOVL $15, AX // rt_sigreturn
	SYSCALL
	INT $3 // it does not return
