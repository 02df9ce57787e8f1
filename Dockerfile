# docker build -t ganzoo . && docker run --rm -v "$PWD/runs:/home/user/runs" ganzoo train cgan
# With a GPU add --gpus all. PyTorch comes with its CUDA libraries, which take several gigabytes.
FROM python:3.13-slim
RUN pip install --no-cache-dir torch torchvision
COPY . /src
RUN pip install --no-cache-dir "/src[gallery,video,data]" && rm -rf /src
RUN useradd --create-home user
USER user
WORKDIR /home/user
ENV GANZOO_DATA=/home/user/data
ENTRYPOINT ["ganzoo"]
CMD ["list"]
