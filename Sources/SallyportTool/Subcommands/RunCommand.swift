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
      about: "answers files of requests, with progress and a summary",
      details: """
        Reads the requests of each FILE (- for stdin) as serve would and writes the answers to
        stdout, or to OUT, whose old content goes. With --resume, requests whose ids OUT already
        answers are passed over and new answers are added to it; half a line left by a crash is
        removed. Requests that were cancelled before they had an effect are sent again: of several
        answers to one id the last counts. Give each request of the files an id of its own.
        It waits until all are answered, for rate limits too; with --drain-timeout, and after a
        signal, only so long. Files that commands bring are kept in --files-dir, else in
        ./sallyport-files.

        Exit status: 0 all answered and successful; 1 all answered, some failed; 2 wrong command
        line, configuration or file; 3 something was not finished before the drain timeout; 4 the
        answers could not be written.
        """,
      examples: [
        "sallyport run protocol/examples/tour.jsonl --sandbox",
        "sallyport run batch.jsonl --connections connections.json --output answers.jsonl --resume",
      ],
      options: options, run: run)
  }

  private static let options =
    [
      Option("--output", "OUT", "the file of answers (default: stdout)"),
      Option("--resume", nil, "pass over requests that OUT already answers"),
    ] + CommonOptions.list

  static func run(_ words: [String]) throws(UsageError) -> Int32 {
    let arguments = try ParsedArguments(words, options: options)
    guard !arguments.positionals.isEmpty else {
      throw UsageError("run needs a file of requests", remedy: "sallyport run FILE")
    }
    if arguments.has("--resume") && !arguments.has("--output") {
      throw UsageError("--resume needs --output OUT, the answers to go on with")
    }
    let inputs = try open(arguments.positionals)
    // Before the output is opened: a slip in another option must not empty older answers.
    let engine = try CommonOptions.engine(arguments, filesByDefault: "sallyport-files")
    let limits = try CommonOptions.limits(arguments, waitsForAllAtEnd: true)
    var answered: [RequestID: Bool] = [:]
    let output: Int32
    if let path = arguments["--output"] {
      let answers = try AnswerFile(
        path, resuming: arguments.has("--resume"), apartFrom: inputs.map(\.descriptor))
      (output, answered) = (answers.descriptor, answers.answered)
    } else {
      output = StandardOutput.reserve()
    }
    let progress = ProgressBar(
      totalBytes: inputs.reduce(0) { $0 + $1.bytes }, answeredBefore: answered)
    let host = try HostRun(
      engine: engine, limits: limits, agents: MCPOptions(), output: output, observer: progress)
    let code: ExitCode
    do throws(FileError) {
      code = try host.run(inputs.map(\.descriptor))
    } catch {
      throw UsageError("a file cannot be read: \(error.reason)")
    }
    if code == .outputClosed, let path = arguments["--output"] {
      AnswerFile.removeHalfLine(path)
      Console.error(
        "sallyport: \(path) cannot be written; what it holds is whole, and --resume goes on from it"
      )
    }
    progress.finish()
    return code == .success && progress.hasFailures
      ? ExitCode.someFailed.rawValue : code.rawValue
  }

  private static func open(
    _ paths: [String]
  ) throws(UsageError) -> [(descriptor: Int32, bytes: Int)] {
    var inputs: [(descriptor: Int32, bytes: Int)] = []
    for path in paths {
      let descriptor = path == "-" ? STDIN_FILENO : Glibc.open(path, O_RDONLY | O_CLOEXEC)
      var status = stat()
      guard descriptor >= 0, fstat(descriptor, &status) == 0 else {
        throw UsageError("\(FileError(path: path, code: errno))")
      }
      guard status.st_mode & S_IFMT != S_IFDIR else {
        throw UsageError("\(FileError(path: path, code: EISDIR))")
      }
      inputs.append((descriptor, Int(status.st_size)))
    }
    return inputs
  }
}
