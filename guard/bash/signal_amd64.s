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

// onSignal is called by the kernel, with the signal's number and what is known of
// it (siginfo_t), on any thread at any place: it sets a bit and does one system
// call.
TEXT ·onSignal(SB),NOSPLIT|NOFRAME,$0
	MOVL 16(SI), AX // whose it is
	CMPL AX, ·ownID(SB)
	JEQ done
	MOVL DI, CX
	MOVL $1, AX
	SHLL CX, AX
	LOCK
	ORL AX, ·came(SB)
	LEAQ ·came(SB), DI
	MOVL $129, SI // FUTEX_WAKE_PRIVATE
	MOVL $1, DX
	MOVL $202, AX // futex
	SYSCALL

done:
	RET

TEXT ·afterSignal(SB),NOSPLIT|NOFRAME,$0
	MOVL $15, AX // rt_sigreturn
	SYSCALL
	INT $3 // it does not return
