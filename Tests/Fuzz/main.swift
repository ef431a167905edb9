import Glibc

// The driver of libFuzzer. Its own `main` would conflict with the one that SwiftPM expects.
@_silgen_name("LLVMFuzzerRunDriver")
func runFuzzer(
  _ count: UnsafeMutablePointer<CInt>,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
  _ body: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

/// The target that FUZZ_TARGET names.
nonisolated(unsafe) var target: FuzzTarget.Body = { _ in }

guard let name = getenv("FUZZ_TARGET").map({ String(cString: $0) }) else {
  print(FuzzTarget.all.keys.sorted().joined(separator: "\n"))
  exit(0)
}
guard let body = FuzzTarget.all[name] else {
  fatalError("unknown FUZZ_TARGET \(name); expected one of: \(FuzzTarget.all.keys.sorted())")
}
target = body

var count = CommandLine.argc
var arguments = CommandLine.unsafeArgv
exit(
  runFuzzer(&count, &arguments) { start, length in
    target(UnsafeBufferPointer(start: start, count: length))
    return 0
  })
