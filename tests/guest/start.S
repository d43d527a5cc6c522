/*
 * start.S: all of the guest that runs in ring 0.
 *
 * On some hosts (RIG.md of the project: KVM's "pvm" flavour) ring-0 code is
 * interpreted, at half a million instructions a second, and not every
 * instruction is known there. So ring 0 does only what ring 3 cannot, some
 * sixty instructions to get there and seven for an interrupt; the program, with
 * its drivers, runs in ring 3 with all memory mapped for it and every port
 * opened by the task's I/O bitmap.
 *
 *	ring 3:  the program ----ud2 at gate_call----> #UD: wait, halt, ...
 *		     ^                                     |
 *		     |   irq_pending = vector <---- interrupt stub
 *		     +------------------------------------ iretq
 *
 * A system call by ud2 is unusual; it is what works on all hosts. (There, a
 * software interrupt in ring 3 gives #UD, syscall does not change to ring 0,
 * and iretq does not set the I/O privilege level.)
 *
 * Two entries: "start", the 64-bit entry of Linux's boot protocol with the
 * boot_params in rsi, and "pvh_start", the 32-bit one that a PVH note names,
 * with hvm_start_info in ebx.
 */
#include "gate.h"

#define KERNEL_CS 0x08
#define USER_DS	  0x23
#define USER_CS	  0x2b
#define TSS_SEL	  0x30

	.section .note.pvh, "a", @note
	.long	4, 4, 18		/* name, value, XEN_ELFNOTE_PHYS32_ENTRY */
	.asciz	"Xen"
	.long	pvh_start

	.section .text.start, "ax"
	.globl	start, pvh_start, gate
	.code64
start:
	cli
	movq	%rsi, boot_pointer(%rip)
	movl	$0x20, %eax		/* physical address extension, no more */
	movq	%rax, %cr4
	leaq	pml4(%rip), %rax
	movq	%rax, %cr3
	lgdt	gdtr(%rip)
common:
	cld
	leaq	stack0_top(%rip), %rsp
	leaq	tss(%rip), %rax
	movw	%ax, tss_descriptor+2(%rip)
	shrq	$16, %rax
	movb	%al, tss_descriptor+4(%rip)
	movb	%ah, tss_descriptor+7(%rip)
	movw	$TSS_SEL, %ax
	ltr	%ax
	lidt	idtr(%rip)
	movw	$USER_DS, %ax
	movw	%ax, %ds
	movw	%ax, %es
	pushq	$USER_DS
	pushq	$stack3_top
	pushq	$2			/* interrupts off: there is no table yet */
	pushq	$USER_CS
	pushq	$user_start
	iretq

	.code32
pvh_start:
	cli
	movl	%ebx, boot_pointer
	movl	$1, boot_is_pvh
	movl	$0x20, %eax
	movl	%eax, %cr4
	movl	$pml4, %eax
	movl	%eax, %cr3
	movl	$0xc0000080, %ecx	/* EFER: long mode */
	rdmsr
	orl	$0x100, %eax
	wrmsr
	movl	%cr0, %eax
	orl	$0x80000001, %eax
	movl	%eax, %cr0
	lgdt	gdtr
	ljmp	$KERNEL_CS, $common
	.code64

	.text
user_start:				/* ring 3 from here on */
	leaq	bss_start(%rip), %rdi
	leaq	bss_end(%rip), %rcx
	subq	%rdi, %rcx
	shrq	$3, %rcx
	xorl	%eax, %eax
	rep stosq
	call	guest_main
1:	jmp	1b

fault_return:				/* ring 3: after an exception */
	cld
	call	guest_fault
1:	jmp	1b

gate:					/* void gate(unsigned request) */
	movl	%edi, %eax
gate_call:
	ud2
	ret

/* Exceptions: 32 stubs of 16 bytes; cpu.c points the table at them. */
	.balign	16
	.globl	exception_stubs
exception_stubs:
	.set	n, 0
	.rept	32
	.balign	16
	.if	n == 2
	iretq				/* nothing sends us an NMI on purpose */
	.elseif	n == 6
	jmp	invalid_opcode
	.else
	.if	!(n == 8 || (n >= 10 && n <= 14) || n == 17 || n == 21 || n == 29 || n == 30)
	pushq	$0
	.endif
	pushq	$n
	jmp	exception
	.endif
	.set	n, n + 1
	.endr

/*
 * Interrupts: 16 stubs of 16 bytes. Ring 3 handles them (irq.c), one at a time:
 * until it is done, the task priority holds back all others. That an interrupt
 * is in service would do the same, but a "pvm" host ends it by itself at the
 * iretq, and a level-triggered one would come again before ring 3 could do
 * anything about it.
 *
 * One that comes between the sti and the hlt of a waiter, where a processor
 * holds it back (SDM vol. 2, STI), would have it sleep on it for good. QEMU's
 * SVM forgets to hold it back when its host was interrupted there; so what is
 * returned to then is behind the hlt.
 */
	.balign	16
	.globl	irq_stubs
irq_stubs:
	.set	n, 0
	.rept	16
	.balign	16
	movb	$GATE_IRQ_BASE + n, irq_pending(%rip)
	jmp	hold_back
	.set	n, n + 1
	.endr

hold_back:
	pushq	%rax
	movl	$GATE_TASK_PRIORITY, %eax
	movl	$GATE_IRQ_BASE, (%rax)
	popq	%rax
	cmpq	$wait_hlt, (%rsp)
	jne	1f
	incq	(%rsp)
1:	iretq

	.balign	16
	.globl	spurious_stub
spurious_stub:
	iretq

invalid_opcode:
	cmpq	$gate_call, (%rsp)
	jne	not_a_call
	addq	$2, (%rsp)
	cmpl	$GATE_WAIT, %eax
	je	wait
	cmpl	$GATE_IRQ_ON, %eax
	je	irq_on
	cmpl	$GATE_IRQ_OFF, %eax
	je	irq_off
	cmpl	$GATE_CRASH, %eax
	je	crash
	cmpl	$GATE_LOST, %eax
	je	lost
halt:	hlt
	jmp	halt
wait:	cmpb	$0, irq_pending(%rip)
	jne	1f
	sti
wait_hlt:
	hlt
1:	iretq
irq_on:	orl	$0x200, 16(%rsp)
	iretq
irq_off:
	andl	$~0x200, 16(%rsp)
	iretq
lost:	movl	$GATE_NOWHERE, %eax
	jmp	*%rax
crash:	lidt	no_idt(%rip)
	ud2
not_a_call:
	pushq	$0
	pushq	$6

/* Stack: vector, error code, then the frame. Goes on at fault_return. */
exception:
	popq	fault_vector(%rip)
	popq	fault_error(%rip)
	popq	fault_rip(%rip)
	movq	%cr2, %rax
	movq	%rax, fault_address(%rip)
	pushq	$fault_return
	movq	$USER_CS, 8(%rsp)
	movq	$stack3_top, 24(%rsp)
	movq	$USER_DS, 32(%rsp)
	iretq

	.data
	.globl	boot_pointer, boot_is_pvh, irq_pending
	.globl	fault_vector, fault_error, fault_rip, fault_address
	.balign	8
boot_pointer:	.quad 0
fault_vector:	.quad 0
fault_error:	.quad 0
fault_rip:	.quad 0
fault_address:	.quad 0
boot_is_pvh:	.long 0
irq_pending:	.byte 0

	.balign	8
no_idt:	.quad	0, 0
	.word	0, 0, 0
gdtr:	.word	gdt_end - gdt - 1
	.quad	gdt
	.word	0, 0, 0
idtr:	.word	256 * 16 - 1
	.quad	idt

	.balign	16
gdt:	.quad	0
	.quad	0x00af9b000000ffff	/* 08 ring-0 code */
	.quad	0x00cf93000000ffff	/* 10 ring-0 data */
	.quad	0
	.quad	0x00cff3000000ffff	/* 20 ring-3 data */
	.quad	0x00affb000000ffff	/* 28 ring-3 code */
tss_descriptor:
	.quad	0x0000890000002068, 0	/* 30; its base is filled in above */
gdt_end:

/*
 * The first 4 GiB as they are, in pages of 2 MiB: RAM, devices, all of it
 * ring 3's. More is added by cpu_map() when an address above is used.
 */
	.balign	4096
	.globl	pdpt
pml4:	.quad	pdpt + 7
	.fill	511, 8, 0
pdpt:	.quad	pd + 7, pd + 0x1007, pd + 0x2007, pd + 0x3007
	.fill	508, 8, 0
pd:	.set	n, 0
	.rept	2048
	.quad	n + 0x87
	.set	n, n + 0x200000
	.endr

/* 104 bytes, then the I/O bitmap: a clear bit opens its port to ring 3. */
	.balign	4096
tss:	.long	0
	.quad	stack0_top
	.fill	90, 1, 0
	.word	104
	.fill	8192, 1, 0
	.byte	0xff

	.bss
	.globl	idt
	.balign	4096
idt:	.fill	4096, 1, 0
	.fill	4096, 1, 0
stack0_top:
	.fill	16384, 1, 0
stack3_top:

	.section .note.GNU-stack, "", @progbits
