import Foundation
import Glibc

/// A `sallyport serve` process, connected by pipes.
///
/// Single-threaded: while it waits for one condition, it moves bytes in both directions, so that
/// neither side can block the other.
final class HostProcess {
  /// Timeout of one step in seconds.
  private static let stepTimeout: TimeInterval = 30

  /// $SALLYPORT, or the release build of this checkout.
  static let executable =
    ProcessInfo.processInfo.environment["SALLYPORT"]
    ?? checkout.appendingPathComponent(".build/release/sallyport").path

  static let checkout = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  static var isBuilt: Bool { FileManager.default.isExecutableFile(atPath: executable) }

  private let process = Process()
  private let input = Pipe()
  private let output = Pipe()
  private let errors = Pipe()
  /// Keeps state that hosts share apart from the user's own.
  private let state = FileManager.default.temporaryDirectory
    .appendingPathComponent("sallyport-transcript-\(UUID().uuidString)")
  private var hasOutput = true
  private var hasErrors = true
  private var hasInput = true
  private var unread: [UInt8] = []
  private(set) var errorText = ""

  init(_ arguments: [String]) throws {
    // A write to a host that has exited must fail with an error, not with a signal.
    Glibc.signal(SIGPIPE, SIG_IGN)
    var environment = ProcessInfo.processInfo.environment
    environment["SALLYPORT_CONNECTIONS"] = nil
    environment["XDG_STATE_HOME"] = state.path
    process.executableURL = URL(fileURLWithPath: Self.executable)
    process.arguments = ["serve"] + arguments
    process.environment = environment
    process.standardInput = input
    process.standardOutput = output
    process.standardError = errors
    try process.run()
    _ = fcntl(input.fileHandleForWriting.fileDescriptor, F_SETFL, O_NONBLOCK)
  }

  /// Kills the process if it is still running.
  func close() {
    if process.isRunning { kill(process.processIdentifier, SIGKILL) }
    process.waitUntilExit()
    try? FileManager.default.removeItem(at: state)
  }

  // MARK: Sending

  func send(_ bytes: [UInt8]) throws(Mismatch) {
    var rest = bytes[...]
    try exchange(&rest, "the host did not read") { $0.isEmpty }
  }

  func closeInput() {
    guard hasInput else { return }
    hasInput = false
    try? input.fileHandleForWriting.close()
  }

  func signal(_ number: Int32) { kill(process.processIdentifier, number) }

  // MARK: Receiving

  /// The next line without its line end; nil at the end of the output.
  func readLine() throws(Mismatch) -> [UInt8]? {
    var nothing: ArraySlice<UInt8> = []
    try exchange(&nothing, "no response") { _ in !hasOutput || unread.contains(0x0A) }
    guard let end = unread.firstIndex(of: 0x0A) else {
      guard unread.isEmpty else { throw Mismatch("the last line is truncated") }
      return nil
    }
    defer { unread.removeSubrange(...end) }
    return Array(unread[..<end])
  }

  func expectError(_ text: String) throws(Mismatch) {
    var nothing: ArraySlice<UInt8> = []
    try exchange(&nothing, "stderr does not contain \(text)") { _ in
      !hasErrors || errorText.contains(text)
    }
    guard errorText.contains(text) else { throw Mismatch("stderr does not contain \(text)") }
  }

  func closeOutput() {
    hasOutput = false
    try? output.fileHandleForReading.close()
  }

  /// Waits until the process exits and returns its exit status.
  func end() throws(Mismatch) -> Int32 {
    var nothing: ArraySlice<UInt8> = []
    try exchange(&nothing, "the host did not exit") { _ in !hasOutput && !hasErrors }
    process.waitUntilExit()
    return process.terminationStatus
  }

  // MARK: Moving bytes

  /// Writes `outgoing` and reads both outputs until the condition is met.
  private func exchange(
    _ outgoing: inout ArraySlice<UInt8>, _ complaint: String,
    until isDone: (ArraySlice<UInt8>) -> Bool
  ) throws(Mismatch) {
    let end = Date(timeIntervalSinceNow: Self.stepTimeout)
    while !isDone(outgoing) {
      let left = end.timeIntervalSinceNow
      guard left > 0 else { throw Mismatch("\(complaint) within \(Int(Self.stepTimeout)) seconds") }
      var descriptors: [pollfd] = []
      let sends = !outgoing.isEmpty
      if sends { descriptors.append(watch(input.fileHandleForWriting, POLLOUT)) }
      if hasOutput { descriptors.append(watch(output.fileHandleForReading, POLLIN)) }
      if hasErrors { descriptors.append(watch(errors.fileHandleForReading, POLLIN)) }
      guard !descriptors.isEmpty else { throw Mismatch(complaint) }
      guard poll(&descriptors, nfds_t(descriptors.count), Int32(left * 1_000) + 1) > 0 else {
        continue
      }
      for descriptor in descriptors where descriptor.revents != 0 {
        if sends, descriptor.fd == input.fileHandleForWriting.fileDescriptor {
          try write(&outgoing)
        } else {
          read(descriptor.fd)
        }
      }
    }
  }

  private func watch(_ handle: FileHandle, _ events: Int32) -> pollfd {
    pollfd(fd: handle.fileDescriptor, events: Int16(events), revents: 0)
  }

  private func write(_ outgoing: inout ArraySlice<UInt8>) throws(Mismatch) {
    let descriptor = input.fileHandleForWriting.fileDescriptor
    let count = outgoing.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
    guard count >= 0 || errno == EAGAIN else { throw Mismatch("the host has closed its input") }
    outgoing = outgoing.dropFirst(max(count, 0))
  }

  private func read(_ descriptor: Int32) {
    var piece = [UInt8](repeating: 0, count: 1 << 16)
    let count = Glibc.read(descriptor, &piece, piece.count)
    let isOutput = hasOutput && descriptor == output.fileHandleForReading.fileDescriptor
    switch (isOutput, count > 0) {
    case (true, true): unread += piece[..<count]
    case (true, false): hasOutput = false
    case (false, true): errorText += String(decoding: piece[..<count], as: UTF8.self)
    case (false, false): hasErrors = false
    }
  }
}

/// A deviation of the host from its transcript.
struct Mismatch: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}
