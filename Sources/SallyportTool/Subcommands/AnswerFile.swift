import Basics
import Engine
import Glibc
import JSON
import RPC

/// The output file of `run --output`, which `--resume` continues.
struct AnswerFile {
  private let path: String
  private let isResumed: Bool
  let descriptor: Int32
  /// The responses already in the file: by ID, whether the last response failed at least partially.
  let answered: [RequestID: Bool]

  /// - Parameter inputs: the request files, which must differ from the output.
  init(_ path: String, resuming: Bool, apartFrom inputs: [Int32]) throws(UsageError) {
    guard !inputs.contains(where: { Self.isSameFile(path, $0) }) else {
      throw UsageError("--output: \(path) is also a request file", remedy: "Use another file.")
    }
    self.path = path
    isResumed = resuming
    descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_APPEND, 0o600)
    guard descriptor >= 0 else {
      throw UsageError("--output: \(FileError(path: path, code: errno))")
    }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK else {
      throw UsageError(
        "--output: \(path) is in use by another run", remedy: "Wait until it exits.")
    }
    if resuming {
      Self.removeIncompleteLine(path)
    } else if Self.isRegular(descriptor) {
      ftruncate(descriptor, 0)
    }
    answered = resuming ? try Self.answers(in: path) : [:]
  }

  private static func isRegular(_ descriptor: Int32) -> Bool {
    var status = stat()
    return fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
  }

  /// Opens the ledger of the lines, next to the output. A new run replaces an old one.
  ///
  /// - Parameter inputs: the paths of the request files.
  /// - Returns: nil for an output that cannot be resumed, such as a pipe.
  func openLedger(of inputs: [String], log: Log) throws(UsageError) -> LineLedger? {
    guard Self.isRegular(descriptor) else { return nil }
    let ledger = path + ".ledger"
    // Behind the output: with neither, the next run begins anew.
    if !isResumed { unlink(ledger) }
    do throws(FileError) {
      return try LineLedger(file: ledger, inputs: inputs, log: log)
    } catch {
      throw UsageError("--output: \(error)")
    }
  }

  private static func isSameFile(_ path: String, _ input: Int32) -> Bool {
    var (one, other) = (Glibc.stat(), Glibc.stat())
    guard stat(path, &one) == 0, fstat(input, &other) == 0 else { return false }
    return one.st_mode & S_IFMT == S_IFREG && one.st_dev == other.st_dev
      && one.st_ino == other.st_ino
  }

  /// Truncates the file after its last complete line. A crash or a full disk leaves an incomplete
  /// line.
  static func removeIncompleteLine(_ path: String) {
    let descriptor = open(path, O_RDWR | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    var end = Int(lseek(descriptor, 0, SEEK_END))
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while end > 0 {
      let start = max(0, end - chunk.count)
      guard pread(descriptor, &chunk, end - start, start) == end - start else { return }
      if let last = chunk[..<(end - start)].lastIndex(of: 0x0A) {
        ftruncate(descriptor, start + last + 1)
        return
      }
      end = start
    }
    ftruncate(descriptor, 0)
  }

  /// The IDs of all responses in the file, including those in batches. Requests that were cancelled
  /// before they had an effect, such as by an interrupt, do not count as answered.
  private static func answers(in path: String) throws(UsageError) -> [RequestID: Bool] {
    let input = open(path, O_RDONLY | O_CLOEXEC)
    guard input >= 0 else { throw UsageError("--output: \(FileError(path: path, code: errno))") }
    defer { close(input) }
    var answers: [RequestID: Bool] = [:]
    var splitter = LineSplitter(maximumBytes: 1 << 30)
    let take: (LineSplitter.Line, Int) -> Void = { line, _ in
      guard case .text(let text) = line, let json = try? JSON.parse(text) else { return }
      let responses = json.kind == .array ? Array(json.elements) : [json]
      for response in responses where response["result"] != nil || response["error"] != nil {
        if let error = response["error"], error["code"]?.integer == -32800,
          error["data"]?["outcome"]?.equals("not_applied") == true
        {
          continue
        }
        if let id = response["id"].flatMap(RequestID.init), !id.isNull {
          answers[id] =
            response["result"]?["return_data"]?.equals("Partially Successful")
            ?? (response["error"] != nil)
        }
      }
    }
    var chunk = [UInt8](repeating: 0, count: 262_144)
    while true {
      let count = read(input, &chunk, chunk.count)
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { break }
      chunk.withUnsafeBufferPointer {
        splitter.append(UnsafeBufferPointer(rebasing: $0[..<count]), take)
      }
    }
    splitter.finish(take)
    return answers
  }
}
