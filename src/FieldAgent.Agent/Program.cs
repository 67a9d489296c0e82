using FieldAgent.Agent.Cli;

return CommandLine.Run(args);
