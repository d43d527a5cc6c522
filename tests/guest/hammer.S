/*
 * hammer.S: what a second processor does for hostile_storm.c, from real mode on
 * and copied to HAMMER_CODE: it writes ports, one after the other as a list
 * says, again and again, until it is told to stop.
 */
#include "hammer.h"

	.section .rodata, "a", @progbits
	.globl	hammer_start, hammer_end
	.code16
hammer_start:
	cli
	xorw	%ax, %ax
	movw	%ax, %ds
again:	movw	$HAMMER_LIST, %si
entry:	movw	(%si), %dx		/* port, 0: the end */
	testw	%dx, %dx
	jz	done
	movw	2(%si), %cx		/* bytes */
	movl	4(%si), %eax		/* what */
	cmpw	$1, %cx
	je	byte
	cmpw	$2, %cx
	je	word
	outl	%eax, %dx
	jmp	next
word:	outw	%ax, %dx
	jmp	next
byte:	outb	%al, %dx
next:	addw	$8, %si
	jmp	entry
done:	incw	HAMMER_COUNT
	cmpw	$0, HAMMER_STOP
	je	again
	movw	$0, HAMMER_STOP		/* it has */
halt:	hlt
	jmp	halt
hammer_end:

	.section .note.GNU-stack, "", @progbits
