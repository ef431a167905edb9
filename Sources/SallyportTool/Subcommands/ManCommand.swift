import Basics

/// `sallyport man`
enum ManCommand {
  static var description: Subcommand {
    Subcommand(
      name: "man", usage: "", summary: "print the manual page",
      details: "The page is troff source: the same texts as sallyport help, in one page.",
      examples: [
        "sallyport man | man -l -",
        "sallyport man > ~/.local/share/man/man1/sallyport.1",
      ],
      options: [], run: run)
  }

  private static func run(_ words: [String]) throws(UsageError) -> Int32 {
    let arguments = try ParsedArguments(words, options: [])
    if let extra = arguments.positionals.first {
      throw UsageError("unexpected argument \"\(extra)\"")
    }
    Console.print(.own(ManPage().source))
    return 0
  }
}
