import Basics
import Engine
import Glibc
import MCPFront
import RPC

/// `sallyport run`
enum RunCommand {
  static var description: Subcommand {
    Subcommand(
      name: "run", usage: "FILE… [--output OUT] [--resume] [OPTIONS]",
      summary: "run request files, with progress and a summary",
      details: """
        Reads the requests of each FILE (- for stdin) like serve and writes the responses to
        stdout, or overwrites OUT. With --resume, skips requests that already have a response in
        OUT, and appends the new responses; an incomplete line left by a crash is removed.
        Requests that were cancelled before they had an effect are repeated: if an ID has several
        responses, the last one counts. Request IDs must be unique across all files.

        With --output, every change is recorded in OUT.ledger right before it is sent. --resume
        repeats none that an earlier run may have applied: this request is answered with the
        outcome "unknown". Without --resume, OUT and OUT.ledger are replaced.

        Waits until all requests are answered, including waits for rate limits. With
        --drain-timeout, and after a signal, waits at most until that timeout; a second signal
        cancels the requests. Files from command results are stored in --files-dir, by default in
        ./sallyport-files.

        Exit status: 0 all requests succeeded; 1 some requests failed; 2 invalid command line,
        configuration or file; 3 drain timeout; 4 responses could not be written.
        """,
      examples: [
        "sallyport run protocol/examples/tour.jsonl --sandbox",
        "sallyport run batch.jsonl --connections connections.json --output answers.jsonl --resume",
      ],
      options: options, positionals: [.files], run: run)
  }

  private static let options =
    [
      Option("--output", "OUT", "the file for responses (default: stdout)"),
      Option("--resume", nil, "skip requests that already have a response in OUT"),
    ] + CommonOptions.list + TelemetryOptions.list + FenceOptions.list

  static func run(_ words: [String]) throws(UsageError) -> Int32 {
    let arguments = try ParsedArguments(words, options: options)
    guard !arguments.positionals.isEmpty else {
      throw UsageError("missing request file", remedy: "sallyport run FILE")
    }
    if arguments.has("--resume") && !arguments.has("--output") {
      throw UsageError("--resume requires --output OUT")
    }
    let inputs = try open(arguments.positionals)
    var answers: AnswerFile?
    let waits = Waits()
    // The output is opened last: an error in another option must not truncate existing responses.
    let engine = try CommonOptions.engine(
      arguments, filesByDefault: "sallyport-files", waits: waits
    ) { () throws(UsageError) in
      guard let path = arguments["--output"] else { return nil }
      let file = try AnswerFile(
        path, resuming: arguments.has("--resume"), apartFrom: inputs.map(\.descriptor))
      answers = file
      return try file.openLedger(of: arguments.positionals, log: HostLog.log)
    }
    var limits = try CommonOptions.limits(arguments, waitsForAllAtEnd: true)
    // A file needs no control messages beside its calls, and progress counts the lines that were read.
    limits.maximumParkedBytes = 0
    let output = answers?.descriptor ?? StandardOutput.reserve()
    let sizes = inputs.compactMap(\.bytes)
    let progress = RunProgress(
      totalBytes: sizes.count == inputs.count ? sizes.reduce(0, +) : nil,
      answeredBefore: answers?.answered ?? [:], waits: waits)
    let host = try HostRun(
      engine: engine, limits: limits, agents: MCPOptions(), output: output, observer: progress)
    try TelemetryOptions.start(arguments, of: engine)
    let display = ProgressDisplay(progress)
    let code: ExitCode
    do throws(FileError) {
      code = try host.run(inputs.map(\.descriptor))
    } catch {
      throw UsageError("cannot read a request file: \(error.reason)")
    }
    if code == .outputClosed, let path = arguments["--output"] {
      AnswerFile.removeIncompleteLine(path)
      Console.error(
        "sallyport: cannot write \(path); its lines are complete, and --resume continues from it"
      )
    }
    display.finish()
    return code == .success && progress.hasFailures
      ? ExitCode.someFailed.rawValue : code.rawValue
  }

  /// - Returns: the descriptors, and the sizes of regular files.
  private static func open(
    _ paths: [String]
  ) throws(UsageError) -> [(descriptor: Int32, bytes: Int?)] {
    var inputs: [(descriptor: Int32, bytes: Int?)] = []
    for path in paths {
      let descriptor = path == "-" ? STDIN_FILENO : Glibc.open(path, O_RDONLY | O_CLOEXEC)
      var status = stat()
      guard descriptor >= 0, fstat(descriptor, &status) == 0 else {
        throw UsageError("\(FileError(path: path, code: errno))")
      }
      guard status.st_mode & S_IFMT != S_IFDIR else {
        throw UsageError("\(FileError(path: path, code: EISDIR))")
      }
      let isRegular = status.st_mode & S_IFMT == S_IFREG
      inputs.append((descriptor, isRegular ? Int(status.st_size) : nil))
    }
    return inputs
  }
}
